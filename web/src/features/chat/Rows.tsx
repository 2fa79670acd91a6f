import { memo } from "react";

import { MessageRow } from "./MessageRow";
import type { Message } from "./messages";

const ABOUT = 32;
const ALWAYS = 2;

interface ChunkProps {
  messages: readonly Message[];
  before: Message | undefined;
  /** At the end, where it is always drawn: its height is never a guess. */
  last: boolean;
  onSources: (message: Message) => void;
}

/** All messages, in chunks that the browser lays out and draws only while they are near to what is seen. */
export const Rows = memo(function Rows({ messages, onSources }: Pick<ChunkProps, "messages" | "onSources">) {
  const found = chunks(messages);
  return found.map((chunk, at) => (
    <Chunk
      key={chunk[0]?.id}
      messages={chunk}
      before={found[at - 1]?.at(-1)}
      last={at >= found.length - ALWAYS}
      onSources={onSources}
    />
  ));
});

const Chunk = memo(
  function Chunk({ messages, before, last, onSources }: ChunkProps) {
    return (
      <div className={last ? "chunk last" : "chunk"}>
        {messages.map((message, at) => (
          <MessageRow key={message.id} message={message} before={messages[at - 1] ?? before} onSources={onSources} />
        ))}
      </div>
    );
  },
  (a, b) =>
    a.before === b.before &&
    a.last === b.last &&
    a.onSources === b.onSources &&
    a.messages.length === b.messages.length &&
    a.messages.every((one, at) => one === b.messages[at]),
);

/** A chunk begins where a message's own id says so: what comes before or behind leaves the others as they are. */
function chunks(messages: readonly Message[]): Message[][] {
  const found: Message[][] = [];
  for (const message of messages) {
    const last = found.at(-1);
    if (last === undefined || begins(message.id)) found.push([message]);
    else last.push(message);
  }
  return found;
}

function begins(id: string): boolean {
  let sum = 0;
  for (let at = 0; at < id.length; at += 1) sum = (sum * 31 + id.charCodeAt(at)) >>> 0;
  return sum % ABOUT === 0;
}
