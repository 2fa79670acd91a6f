import { useState } from "react";

import { listDocuments } from "../../backend/client";
import type { AgentDocument, Session } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { usePolling } from "../../shared/usePolling";

const EVERY_MS = 3000;

interface Props {
  agentId: string;
  session: Session;
}

/** An agent's documents and how far each is. */
export function Documents({ agentId, session }: Props) {
  const texts = useTexts();
  const [documents, setDocuments] = useState<AgentDocument[] | null>(null);
  const [problem, setProblem] = useState("");

  usePolling(async (signal) => {
    try {
      setDocuments(await listDocuments(session, agentId, signal));
      setProblem("");
    } catch {
      if (!signal.aborted) setProblem(texts.unreachable);
    }
  }, EVERY_MS);

  if (problem !== "") return <p className="problem">{problem}</p>;
  if (documents === null) return <p>{texts.loading}</p>;
  return (
    <ul className="documents">
      {documents.map((document) => (
        <li key={document.id}>
          <span>{document.title}</span>{" "}
          <span className={`state ${document.state}`}>
            {texts.state[document.state]}
            {document.state === "ready" && `, ${texts.chunks(document.chunks)}`}
          </span>
          {document.error !== "" && <span className="problem"> {document.error}</span>}
        </li>
      ))}
    </ul>
  );
}
