import { useState } from "react";

import { missingParts } from "../../backend/health";
import { useTexts } from "../../shared/i18n";
import { usePolling } from "../../shared/usePolling";

type State = { kind: "unknown" | "up" | "down" } | { kind: "notReady"; what: string };

const EVERY_MS = 5000;

/** One line that says whether the hub is well. */
export function Health() {
  const texts = useTexts();
  const [state, setState] = useState<State>({ kind: "unknown" });

  usePolling(async (signal) => {
    try {
      const what = await missingParts(signal);
      setState(what === "" ? { kind: "up" } : { kind: "notReady", what });
    } catch {
      if (!signal.aborted) setState({ kind: "down" });
    }
  }, EVERY_MS);

  const sentence = {
    unknown: texts.hubUnknown,
    up: texts.hubUp,
    down: texts.hubDown,
    notReady: state.kind === "notReady" ? texts.hubNotReady(state.what) : "",
  }[state.kind];
  return (
    <p className={`health ${state.kind}`} role="status">
      {sentence}
    </p>
  );
}
