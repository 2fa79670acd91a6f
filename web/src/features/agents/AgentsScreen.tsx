import { useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import type { AgentInList } from "../../backend/types";
import { useDailyTokens } from "../../backend/use";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { to } from "../../shared/router";
import { Avatar, Badge, Button, LinkButton, Trouble, Waiting, type Tone } from "../../shared/ui/parts";
import { Spark } from "../../shared/ui/Spark";
import "./agents.css";
import { FirstRun } from "./FirstRun";

const SPARK_DAYS = 14;
const LOOK_MS = 60_000;

/** The person's agents; with none, the way to the first. */
export default function AgentsScreen() {
  const texts = useTexts();
  const [deleted, setDeleted] = useState(false);
  const agents = useRead("/v1/agents", { query: { limit: 200, deleted } });
  const found = agents.data?.items ?? [];
  const tokens = useDailyTokens(SPARK_DAYS);
  const first = agents.data !== undefined && found.length === 0 && !deleted;
  return (
    <div className="screen">
      <header>
        <h1>{deleted ? texts.agents.deletedTitle : first ? texts.firstRun.title : texts.agents.title}</h1>
        <div className="row">
          {!first && (
            <Button kind="plain" onClick={() => setDeleted(!deleted)}>
              {deleted ? texts.agents.showLiving : texts.agents.showDeleted}
            </Button>
          )}
          {!first && !deleted && (
            <LinkButton kind="main" href={to("agents", "new")}>
              {texts.agents.create}
            </LinkButton>
          )}
        </div>
      </header>
      {found.length > 0 && !deleted && <WorkerLine />}
      <Trouble error={agents.error} />
      {agents.isPending && <Waiting lines={5} />}
      {first && <FirstRun />}
      {deleted && agents.data !== undefined && found.length === 0 && <p className="quiet">{texts.agents.noneDeleted}</p>}
      {found.length > 0 && (
        <ul className="agents">
          {found.map((agent) => (
            deleted ? (
              <Gone key={agent.agent_id} agent={agent} />
            ) : (
              <Living key={agent.agent_id} agent={agent} tokens={tokens.get(agent.agent_id)} />
            )
          ))}
        </ul>
      )}
    </div>
  );
}

/** Whether somebody thinks for them just now. */
function WorkerLine() {
  const texts = useTexts();
  const found = useRead("/v1/workers", {}, { everyMs: LOOK_MS });
  if (found.data === undefined) return null;
  const ready = found.data.items.filter((one) => one.status === "healthy").length;
  const tone: Tone = ready > 0 ? "good" : "bad";
  return (
    <p className="row small">
      <Badge tone={tone}>{texts.workers.ready(ready)}</Badge>
      {found.data.queue.depth > 0 && <Badge tone="wait">{texts.workers.waiting(found.data.queue.depth)}</Badge>}
    </p>
  );
}

function Living({ agent, tokens }: { agent: AgentInList; tokens: readonly number[] | undefined }) {
  const texts = useTexts();
  const format = useFormat();
  const { documents } = agent;
  return (
    <li className="card stack">
      <div className="row">
        <Avatar name={agent.profile.name} picture={agent.profile.avatar} />
        <div className="grow">
          <h2 className="cut">
            <a href={to("agents", agent.agent_id)}>{agent.profile.name}</a>
          </h2>
          <p className="quiet small cut">{agent.alias === "" ? agent.jid : agent.alias}</p>
        </div>
      </div>
      <p className="description quiet">{agent.profile.description || texts.agents.noDescription}</p>
      <div className="row">
        <Badge>{texts.agents.version(agent.active_version)}</Badge>
        {agent.has_draft && <Badge tone="wait">{texts.agents.draft}</Badge>}
        <Badge tone={agent.visibility === "private" ? "" : "accent"}>{texts.visibility[agent.visibility]}</Badge>
        {documents.ready > 0 && <Badge>{texts.documents.ready(documents.ready)}</Badge>}
        {documents.waiting > 0 && <Badge tone="wait">{texts.documents.waiting(documents.waiting)}</Badge>}
        {documents.failed > 0 && <Badge tone="bad">{texts.documents.failed(documents.failed)}</Badge>}
      </div>
      {tokens !== undefined && (
        <div className="row spread quiet small">
          <span>{texts.usage.lately(format.number(tokens.reduce((sum, one) => sum + one, 0)), SPARK_DAYS)}</span>
          <Spark figures={tokens} label={texts.usage.courseOf(SPARK_DAYS)} />
        </div>
      )}
      <div className="row last">
        <LinkButton kind="main" href={to("chat", agent.jid)}>
          {texts.agents.talk}
        </LinkButton>
        <LinkButton href={to("agents", agent.agent_id)}>{texts.agents.edit}</LinkButton>
      </div>
    </li>
  );
}

function Gone({ agent }: { agent: AgentInList }) {
  const texts = useTexts();
  const format = useFormat();
  const restore = useChange(
    (api, id: string) => api.post("/v1/agents/{agent_id}/restore", { path: { agent_id: id }, body: {} }),
    ["/v1/agents"],
  );
  return (
    <li className="card stack">
      <div className="row">
        <Avatar name={agent.profile.name} picture={agent.profile.avatar} />
        <div className="grow">
          <h2 className="cut">{agent.profile.name}</h2>
          {agent.deleted_at != null && (
            <p className="quiet small">{texts.agents.deletedAt(format.moment(agent.deleted_at))}</p>
          )}
        </div>
      </div>
      <Trouble error={restore.error} />
      <div className="row">
        <Button disabled={restore.isPending} onClick={() => restore.mutate(agent.agent_id)}>
          {texts.agents.restore}
        </Button>
      </div>
    </li>
  );
}
