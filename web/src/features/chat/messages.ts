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

/** A file that a message brings: where it lies, and what it is called. */
export interface FileLink {
  url: string;
  name: string;
}

export interface Message {
  id: string;
  mine: boolean;
  peer: string;
  text: string;
  at: number;
  state: MessageState;
  turn?: TurnData;
  files?: readonly FileLink[];
  /** It has taken the place of what was said before (XEP-0308). */
  corrected?: boolean;
  /** It was taken back (XEP-0424): nothing of it is left. */
  retracted?: boolean;
  error?: string;
}

/** An answer that is being written. What counts is the message that comes in the end. */
export interface Growing {
  turn: string;
  attempt: number;
  text: string;
  ended: boolean;
}

/** One conversation as it is known here. */
export interface Conversation {
  messages: readonly Message[];
  typing: boolean;
  growing?: Growing | undefined;
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
    if (known !== undefined && known.mine !== one.mine) continue; // nobody changes what another has said
    if (known === undefined) byId.set(one.id, one);
    // What was corrected stays so, whichever of both comes first out of the archive.
    else if (known.corrected === true && one.corrected !== true) byId.set(one.id, { ...known, at: one.at });
    else byId.set(one.id, { ...one, state: further(known.state, one.state), at: known.at });
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

/** The answer with one more piece. A piece behind a gap is left out: one before it was lost. */
export function grown(
  before: Growing | undefined,
  piece: { turn_id: string; attempt: number; offset: number; text: string; ended: boolean },
): Growing | undefined {
  const same = before !== undefined && before.turn === piece.turn_id && before.attempt >= piece.attempt;
  if (piece.ended) return before?.turn === piece.turn_id ? { ...before, ended: true } : before;
  if (same && before.attempt > piece.attempt) return before;
  const letters = Array.from(same ? before.text : ""); // the hub counts code points
  const kept = piece.offset > letters.length ? undefined : letters.slice(0, piece.offset).join("") + piece.text;
  return { turn: piece.turn_id, attempt: piece.attempt, text: kept ?? letters.join(""), ended: false };
}
