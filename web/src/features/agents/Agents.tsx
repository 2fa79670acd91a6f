import { useState } from "react";

import { listAgents, Refused } from "../../backend/client";
import type { Agent, Session } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { usePolling } from "../../shared/usePolling";
import { AgentCard } from "./AgentCard";

const WHILE_LEARNING_MS = 2000;
const OTHERWISE_MS = 10_000;

interface Props {
  session: Session;
  onEnded: () => void;
}

/** The agents of the signed-in person, kept fresh. */
export function Agents({ session, onEnded }: Props) {
  const texts = useTexts();
  const [agents, setAgents] = useState<Agent[] | null>(null);
  const [problem, setProblem] = useState("");
  const learning = agents?.some((agent) => agent.documents.waiting > 0) ?? false;

  usePolling(
    async (signal) => {
      try {
        setAgents(await listAgents(session, signal));
        setProblem("");
      } catch (error) {
        if (signal.aborted) return;
        if (error instanceof Refused && error.problem.status === 401) onEnded();
        else setProblem(error instanceof Refused ? error.message : texts.unreachable);
      }
    },
    learning ? WHILE_LEARNING_MS : OTHERWISE_MS,
  );

  return (
    <section aria-labelledby="agents">
      <h2 id="agents">{texts.agents}</h2>
      <p className="problem" role="alert">
        {problem}
      </p>
      {agents === null && problem === "" && <p>{texts.loading}</p>}
      {agents?.length === 0 && <p>{texts.noAgents}</p>}
      <ul className="agents">
        {agents?.map((agent) => (
          <li key={agent.agent_id}>
            <AgentCard agent={agent} session={session} />
          </li>
        ))}
      </ul>
    </section>
  );
}
