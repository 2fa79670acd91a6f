import { useState } from "react";

import { useChange } from "../../backend/hooks";
import type { AgentOut } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { Button, TextField, Trouble } from "../../shared/ui/parts";
import { useToast } from "../../shared/ui/Toasts";

const STALE = ["/v1/agents", "/v1/agents/{agent_id}"] as const;

/** Who may talk to the agent, and under which short address. */
export function Share({ agent }: { agent: AgentOut }) {
  const texts = useTexts();
  return (
    <div className="stack">
      <section className="card stack">
        <h2>{texts.share.address}</h2>
        <p>
          <code>{agent.jid}</code>
        </p>
        <Alias agent={agent} />
      </section>
      <section className="card stack">
        <h2>{texts.share.who}</h2>
        <p className="quiet">{texts.form.visibilityHint[agent.visibility]}</p>
        <Grants agent={agent} />
      </section>
    </div>
  );
}

function Alias({ agent }: { agent: AgentOut }) {
  const texts = useTexts();
  const toast = useToast();
  const [alias, setAlias] = useState(agent.alias.split("@")[0] ?? "");
  const change = useChange(
    (api, to: string) => api.put("/v1/agents/{agent_id}/alias", { path: { agent_id: agent.agent_id }, body: { alias: to } }),
    STALE,
    (done) => toast(texts.share.aliasSet(done.jid)),
  );
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate(alias.trim());
      }}
    >
      <TextField label={texts.share.alias} hint={texts.share.aliasHint} value={alias} onChange={(event) => setAlias(event.target.value)} />
      <Trouble error={change.error} />
      <div className="row">
        <Button type="submit" disabled={change.isPending}>
          {texts.save}
        </Button>
      </div>
    </form>
  );
}

function Grants({ agent }: { agent: AgentOut }) {
  const texts = useTexts();
  const [grantee, setGrantee] = useState("");
  const path = { agent_id: agent.agent_id };
  const grant = useChange(
    (api, whom: string) => api.post("/v1/agents/{agent_id}/grants", { path, body: { grantee: whom } }),
    STALE,
    () => setGrantee(""),
  );
  const revoke = useChange(
    (api, whom: string) => api.delete("/v1/agents/{agent_id}/grants/{grantee}", { path: { ...path, grantee: whom } }),
    STALE,
  );
  return (
    <>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          grant.mutate(grantee.trim());
        }}
      >
        <TextField
          label={texts.share.grantee}
          hint={texts.share.granteeHint}
          value={grantee}
          onChange={(event) => setGrantee(event.target.value)}
        />
        <Trouble error={grant.error ?? revoke.error} />
        <div className="row">
          <Button type="submit" disabled={grant.isPending || grantee.trim() === ""}>
            {texts.share.grant}
          </Button>
        </div>
      </form>
      <ul className="list">
        {agent.shared_with.map((one) => (
          <li key={one} className="row spread">
            <code>{one}</code>
            <Button compact kind="danger" disabled={revoke.isPending} onClick={() => revoke.mutate(one)}>
              {texts.share.revoke}
            </Button>
          </li>
        ))}
      </ul>
    </>
  );
}
