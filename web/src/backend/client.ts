import { ask, bearer } from "./ask";
import type { Agent, AgentDocument, Session } from "./types";

export { Refused, Unreachable } from "./ask";

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
