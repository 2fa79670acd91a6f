import { useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import type { AgentOut, DiffOut } from "../../backend/types";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { AskFirst, Dialog } from "../../shared/ui/Dialog";
import { Badge, Button, Table, Trouble, Waiting } from "../../shared/ui/parts";
import { useToast } from "../../shared/ui/Toasts";

/** What was published, what the draft would change, and the way back. */
export function Versions({ agent }: { agent: AgentOut }) {
  const texts = useTexts();
  const format = useFormat();
  const id = agent.agent_id;
  const versions = useRead("/v1/agents/{agent_id}/versions", { path: { agent_id: id } });
  const [compared, setCompared] = useState(0);
  const [back, setBack] = useState(0);
  return (
    <div className="stack">
      {agent.has_draft && (
        <section className="card stack">
          <h2>{texts.versions.draft}</h2>
          <Difference agentId={id} before="active" after="draft" />
        </section>
      )}
      <Trouble error={versions.error} />
      {versions.isPending && <Waiting />}
      {versions.data !== undefined && (
        <Table label={texts.agents.parts.versions} heads={[texts.versions.version, texts.agents.name, texts.versions.at, texts.versions.policy, texts.actions]}>
          {versions.data.items.map((one) => (
            <tr key={one.version}>
              <td>
                {one.version} {one.version === agent.version && <Badge tone="good">{texts.versions.active}</Badge>}
              </td>
              <td>{one.name}</td>
              <td>{format.moment(one.created_at)}</td>
              <td>
                <code>{one.policy_hash.slice(0, 12)}</code>
              </td>
              <td>
                {one.version !== agent.version && (
                  <span className="row">
                    <Button compact onClick={() => setCompared(one.version)}>
                      {texts.versions.compare}
                    </Button>
                    <Button compact onClick={() => setBack(one.version)}>
                      {texts.versions.rollBack}
                    </Button>
                  </span>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
      {compared !== 0 && (
        <Dialog title={texts.versions.compared(String(compared), agent.version)} onClose={() => setCompared(0)}>
          <Difference agentId={id} before={compared} after="active" />
          <div className="row">
            <Button onClick={() => setCompared(0)}>{texts.close}</Button>
          </div>
        </Dialog>
      )}
      {back !== 0 && <RollBack agentId={id} version={back} onClose={() => setBack(0)} />}
    </div>
  );
}

function RollBack({ agentId, version, onClose }: { agentId: string; version: number; onClose: () => void }) {
  const texts = useTexts();
  const toast = useToast();
  const change = useChange(
    (api, to: number) =>
      api.post("/v1/agents/{agent_id}/rollback", { path: { agent_id: agentId }, body: { version: to } }),
    ["/v1/agents", "/v1/agents/{agent_id}", "/v1/agents/{agent_id}/versions"],
    (done) => {
      toast(texts.versions.rolledBack(done.version));
      onClose();
    },
  );
  return (
    <AskFirst
      title={texts.versions.rollBackTitle(version)}
      words={texts.versions.rollBackWords}
      action={texts.versions.rollBack}
      busy={change.isPending}
      error={change.error}
      onYes={() => change.mutate(version)}
      onNo={onClose}
    />
  );
}

type Side = number | "active" | "draft";

function Difference({ agentId, before, after }: { agentId: string; before: Side; after: Side }) {
  const found = useRead("/v1/agents/{agent_id}/diff", { path: { agent_id: agentId }, query: { before, after } });
  if (found.data === undefined) return found.error === null ? <Waiting /> : <Trouble error={found.error} />;
  return <Changes diff={found.data} />;
}

function Changes({ diff }: { diff: DiffOut }) {
  const texts = useTexts();
  if (diff.changes.length === 0 && !diff.system_prompt_changed) return <p className="quiet">{texts.versions.same}</p>;
  return (
    <div className="changes stack">
      {diff.changes.map((one) => (
        <div key={one.path}>
          <h3>
            <code>{one.path}</code>
          </h3>
          {one.before !== null && <del>{one.before}</del>}
          {one.after !== null && <ins>{one.after}</ins>}
        </div>
      ))}
      {diff.system_prompt_changed && (
        <div>
          <h3>{texts.form.prompt}</h3>
          {diff.system_prompt
            .split("\n")
            .map((line, at) =>
              line.startsWith("+") ? (
                <ins key={at}>{line.slice(1)}</ins>
              ) : line.startsWith("-") ? (
                <del key={at}>{line.slice(1)}</del>
              ) : null,
            )}
        </div>
      )}
    </div>
  );
}
