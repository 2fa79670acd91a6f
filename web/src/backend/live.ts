import { useEffect, useState } from "react";

import type { Api } from "./api";
import { useApi } from "./hooks";

/** A piece of an answer that is being written (gateway/schemas/asked.py, ChatPiece). */
export interface Piece {
  turn_id: string;
  agent_jid: string;
  attempt: number;
  offset: number;
  text: string;
  ended: boolean;
}

interface Heard {
  piece: (piece: Piece) => void;
  /** Whether pieces come now. */
  live: (on: boolean) => void;
}

const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;

/** Hears the pieces of all answers in this person's chats. Connects again until it is stopped by what it returns. */
export function readAlong(api: Api, heard: Heard): () => void {
  return follow(
    api,
    "/v1/live",
    (name, data) => {
      if (name === "ready") heard.live(true);
      else if (name === "piece") heard.piece(JSON.parse(data) as Piece);
    },
    () => heard.live(false),
  );
}

/** What stands at a path, as the hub tells it whenever it changes; undefined at first, and kept while the hub is away. */
export function useFollowed<Found>(path: string): Found | undefined {
  const api = useApi();
  const [found, setFound] = useState<Found>();
  useEffect(() => follow(api, path, (_, data) => setFound(JSON.parse(data) as Found)), [api, path]);
  return found;
}

function follow(api: Api, path: string, hear: (name: string, data: string) => void, lost = () => {}): () => void {
  const stop = new AbortController();
  void (async () => {
    let wait = FIRST_WAIT_MS;
    while (!stop.signal.aborted) {
      try {
        for await (const { name, data } of eventsOf(await api.stream(path, stop.signal))) {
          wait = FIRST_WAIT_MS;
          hear(name, data);
        }
      } catch {
        // The hub or the network is away, or the session is over: it is tried again, and nothing rests on it.
      }
      lost();
      await pause(wait, stop.signal);
      wait = Math.min(wait * 2, LONGEST_WAIT_MS);
    }
  })();
  return () => stop.abort();
}

/** The events of a stream (HTML standard, server-sent events); comments are left out. */
async function* eventsOf(body: ReadableStream<Uint8Array<ArrayBuffer>>): AsyncGenerator<{ name: string; data: string }> {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let waiting = "";
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    const parts = (waiting + next.value).split("\n\n");
    waiting = parts.pop() ?? "";
    for (const part of parts) {
      const lines = part.split("\n").map((line) => line.trimEnd());
      const of = (field: string) =>
        lines.filter((line) => line.startsWith(`${field}: `)).map((line) => line.slice(field.length + 2));
      const data = of("data").join("\n");
      if (data !== "") yield { name: of("event")[0] ?? "message", data };
    }
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((done) => {
    const timer = window.setTimeout(done, ms);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      done();
    });
  });
}
