/** A passage that an answer rests on. */
export interface Source {
  title: string;
  section: string;
}

/** What the hub says of a turn beside its answer (docs/rfc-aiox.md, section 6). */
export interface TurnData {
  id: string;
  version: number;
  platformMs: number;
  workerMs: number;
  tokens: number;
  sources: Source[];
}

/** `sending` until the hub has stored it; `received` then; `read` once the work on it has begun. */
export type MessageState = "sending" | "sent" | "received" | "read" | "failed";

export interface Message {
  id: string;
  mine: boolean;
  peer: string;
  text: string;
  at: number;
  state: MessageState;
  turn?: TurnData;
  error?: string;
}

/** One conversation as it is known here. */
export interface Conversation {
  messages: readonly Message[];
  typing: boolean;
  /** Where the archive goes on backwards; empty before it was asked, null at its beginning. */
  older: string | null;
  asked: boolean;
}

export const nothing: Conversation = { messages: [], typing: false, older: "", asked: false };

// An error may come after the work had begun: it counts whatever was before.
const RANK: Record<MessageState, number> = { sending: 0, sent: 1, received: 2, read: 3, failed: 4 };

/** Both lists as one: by id, so that nothing is there twice; in the order of time. */
export function merged(before: readonly Message[], more: readonly Message[]): readonly Message[] {
  const byId = new Map(before.map((one) => [one.id, one]));
  for (const one of more) {
    const known = byId.get(one.id);
    byId.set(one.id, known === undefined ? one : { ...one, state: further(known.state, one.state), at: known.at });
  }
  return [...byId.values()].sort((a, b) => a.at - b.at);
}

/** The list with what is known now of one's own message. States only go forward. */
export function marked(before: readonly Message[], id: string, state: MessageState, error = ""): readonly Message[] {
  return before.map((one) =>
    one.mine && one.id === id ? { ...one, state: further(one.state, state), ...(error === "" ? {} : { error }) } : one,
  );
}

function further(before: MessageState, next: MessageState): MessageState {
  return RANK[next] >= RANK[before] ? next : before;
}
