import { useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import type { AgentOut } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { go, to } from "../../shared/router";
import { AskFirst } from "../../shared/ui/Dialog";
import { Avatar, Badge, Button, LinkButton, Tabs, Trouble, Waiting } from "../../shared/ui/parts";
import { useToast } from "../../shared/ui/Toasts";
import { Activity } from "./Activity";
import "./agents.css";
import { Documents } from "./Documents";
import { EditAgent } from "./EditAgent";
import { Mcp, useChangedTools } from "./Mcp";
import { Memories } from "./Memories";
import { Share } from "./Share";
import { Versions } from "./Versions";

/** One agent of the person's own. */
export default function AgentScreen({ id, part }: { id: string; part: string }) {
  const texts = useTexts();
  const agent = useRead("/v1/agents/{agent_id}", { path: { agent_id: id } });
  if (agent.data === undefined) {
    return (
      <div className="screen">
        <h1>{texts.agents.title}</h1>
        <Trouble error={agent.error} />
        {agent.isPending && <Waiting lines={6} />}
      </div>
    );
  }
  const parts = ["", "versions", "documents", "memories", "mcp", "activity", "share"] as const;
  const current = parts.find((one) => one === part) ?? "";
  return (
    <div className="screen">
      <Head agent={agent.data} />
      <Tabs
        label={agent.data.profile.name}
        current={current}
        items={parts.map((one) => [one, texts.agents.parts[one === "" ? "edit" : one], to("agents", id, ...(one === "" ? [] : [one]))])}
      />
      {current === "" && <EditAgent agent={agent.data} />}
      {current === "versions" && <Versions agent={agent.data} />}
      {current === "documents" && <Documents agentId={id} />}
      {current === "memories" && <Memories agentId={id} />}
      {current === "mcp" && <Mcp agent={agent.data} />}
      {current === "activity" && <Activity agentId={id} />}
      {current === "share" && <Share agent={agent.data} />}
    </div>
  );
}

function Head({ agent }: { agent: AgentOut }) {
  const texts = useTexts();
  const changed = useChangedTools(agent.agent_id);
  return (
    <header>
      <div className="row">
        <Avatar name={agent.profile.name} picture={agent.profile.avatar} />
        <div>
          <h1>{agent.profile.name}</h1>
          <p className="row small">
            <Badge>{texts.agents.version(agent.version)}</Badge>
            {changed && <Badge tone="bad">{texts.mcp.changed}</Badge>}
            {agent.has_draft && <Badge tone="wait">{texts.agents.draft}</Badge>}
            <code className="quiet">{agent.alias === "" ? agent.jid : agent.alias}</code>
          </p>
        </div>
      </div>
      <div className="row">
        <LinkButton kind="main" href={to("chat", agent.jid)}>
          {texts.agents.talk}
        </LinkButton>
        <Delete agent={agent} />
      </div>
    </header>
  );
}

function Delete({ agent }: { agent: AgentOut }) {
  const texts = useTexts();
  const toast = useToast();
  const [asks, setAsks] = useState(false);
  const remove = useChange(
    (api, id: string) => api.delete("/v1/agents/{agent_id}", { path: { agent_id: id } }),
    ["/v1/agents"],
    () => {
      toast(texts.agents.deleted(agent.profile.name));
      go("agents");
    },
  );
  return (
    <>
      <Button kind="danger" onClick={() => setAsks(true)}>
        {texts.agents.delete}
      </Button>
      {asks && (
        <AskFirst
          title={texts.agents.deleteTitle(agent.profile.name)}
          words={texts.agents.deleteWords}
          action={texts.agents.delete}
          busy={remove.isPending}
          error={remove.error}
          onYes={() => remove.mutate(agent.agent_id)}
          onNo={() => setAsks(false)}
        />
      )}
    </>
  );
}
