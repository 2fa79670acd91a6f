import type { Agent, AgentDocument, Problem, Session } from "./types";

/** The hub said no, with a reason for a person. */
export class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

/** The hub did not answer, or not as a hub does. */
export class Unreachable extends Error {}

async function ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, credentials: "omit" });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable();
  }
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    throw new Refused((await response.json()) as Problem);
  }
  if (!response.ok) throw new Unreachable();
  return (await response.json()) as Answer;
}

export function signIn(email: string, password: string): Promise<Session> {
  return ask<Session>("/v1/sessions", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email, password }),
  });
}

function bearer(session: Session): HeadersInit {
  return { authorization: `Bearer ${session.access_token}` };
}

export async function listAgents(session: Session, signal: AbortSignal): Promise<Agent[]> {
  return (await ask<{ items: Agent[] }>("/v1/agents", { headers: bearer(session), signal })).items;
}

export async function listDocuments(session: Session, agentId: string, signal: AbortSignal): Promise<AgentDocument[]> {
  const path = `/v1/agents/${encodeURIComponent(agentId)}/documents`;
  return (await ask<{ items: AgentDocument[] }>(path, { headers: bearer(session), signal })).items;
}

/** Empty text when the hub is ready, else what is missing. */
export async function missingParts(signal: AbortSignal): Promise<string> {
  const response = await fetch("/readyz", { signal, credentials: "omit" });
  return response.ok ? "" : (await response.text()).trim();
}
