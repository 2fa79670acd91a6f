import { useState } from "react";

import { Unreachable } from "../../backend/ask";
import { putFile } from "../../backend/upload";
import type { Line } from "./line";
import type { FileLink } from "./messages";

/** The hub takes so many of one message (docs/xmpp.md). */
export const MOST_FILES = 4;

interface Files {
  chosen: readonly File[];
  add: (files: readonly File[]) => void;
  drop: (file: File) => void;
  /** The share of all that is sent, 0 to 1; undefined while nothing is. */
  share: number | undefined;
  error: unknown;
  /** Sends them to the server; undefined when that failed, which `error` then tells. */
  send: () => Promise<FileLink[] | undefined>;
}

/** Files that go with the next message. */
export function useFiles(line: Line): Files {
  const [chosen, setChosen] = useState<readonly File[]>([]);
  const [share, setShare] = useState<number>();
  const [error, setError] = useState<unknown>(null);

  const send = async () => {
    const links: FileLink[] = [];
    setError(null);
    setShare(0);
    try {
      for (const [at, file] of chosen.entries()) {
        const slot = await line.slot(file);
        await putFile(slot.put, file, (part) => setShare((at + part) / chosen.length));
        links.push({ url: slot.get, name: file.name });
      }
      setChosen([]);
      return links;
    } catch (failed) {
      setError(reasonOf(failed));
      return undefined;
    } finally {
      setShare(undefined);
    }
  };
  return {
    chosen,
    add: (files) => setChosen((before) => [...before, ...files].slice(0, MOST_FILES)),
    drop: (file) => setChosen((before) => before.filter((one) => one !== file)),
    share,
    error,
    send,
  };
}

/** What the XMPP server said, where it said something: that a file is too large, for instance. */
function reasonOf(failed: unknown): unknown {
  if (failed instanceof Unreachable || !(failed instanceof Error) || !("condition" in failed)) return new Unreachable();
  return failed.message;
}
