import { useState } from "react";

import type { Agent, Session } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { Documents } from "./Documents";

interface Props {
  agent: Agent;
  session: Session;
}

/** One agent: who it is, where it is reached, what it knows. */
export function AgentCard({ agent, session }: Props) {
  const texts = useTexts();
  const [open, setOpen] = useState(false);
  const { ready, waiting, failed } = agent.documents;
  const counts = [
    ready > 0 ? texts.documentsReady(ready) : "",
    waiting > 0 ? texts.documentsWaiting(waiting) : "",
    failed > 0 ? texts.documentsFailed(failed) : "",
  ].filter((text) => text !== "");

  return (
    <article className="card">
      <h3>{agent.profile.name}</h3>
      <p className="quiet">
        {texts.visibility[agent.visibility]} · {texts.version(agent.active_version)}
      </p>
      {agent.profile.description !== "" && <p>{agent.profile.description}</p>}
      <dl>
        <dt>{texts.address}</dt>
        <dd>
          <Address jid={agent.jid} />
        </dd>
        <dt>{texts.documents}</dt>
        <dd>{counts.length === 0 ? texts.documentsNone : counts.join(", ")}</dd>
      </dl>
      {counts.length > 0 && (
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary>{texts.showDocuments}</summary>
          {open && <Documents agentId={agent.agent_id} session={session} />}
        </details>
      )}
    </article>
  );
}

function Address({ jid }: { jid: string }) {
  const texts = useTexts();
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(jid);
    setCopied(true);
  };
  return (
    <>
      <code>{jid}</code>{" "}
      <button className="small" type="button" onClick={() => void copy()}>
        {copied ? texts.copied : texts.copy}
      </button>
    </>
  );
}
