import { useEffect, useRef } from "react";

/** Calls `work` now and then every `everyMs`, one call at a time; stops with the component. 0 stops it. */
export function usePolling(work: (signal: AbortSignal) => Promise<void>, everyMs: number): void {
  const latest = useRef(work);
  useEffect(() => {
    latest.current = work;
  });
  useEffect(() => {
    if (everyMs === 0) return;
    const stop = new AbortController();
    let timer: number | undefined;
    const round = async () => {
      await latest.current(stop.signal);
      if (!stop.signal.aborted) timer = window.setTimeout(() => void round(), everyMs);
    };
    void round();
    return () => {
      stop.abort();
      window.clearTimeout(timer);
    };
  }, [everyMs]);
}
