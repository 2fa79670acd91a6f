import { useState } from "react";

import { Refused } from "../../backend/client";
import { endSession, listSessions } from "../../backend/session";
import type { Session, SessionInList } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { usePolling } from "../../shared/usePolling";

const EVERY_MS = 30_000;

/** Where the person is signed in, each with a way to end it. */
export function Sessions({ session }: { session: Session }) {
  const texts = useTexts();
  const [found, setFound] = useState<SessionInList[]>([]);
  const [problem, setProblem] = useState("");

  const guarded = async (work: () => Promise<void>) => {
    try {
      await work();
      setProblem("");
    } catch (error) {
      setProblem(error instanceof Refused ? error.message : texts.unreachable);
    }
  };

  usePolling(async (signal) => {
    await guarded(async () => setFound(await listSessions(session, signal)));
  }, EVERY_MS);

  const end = (id: string) =>
    guarded(async () => {
      await endSession(session, id);
      setFound(found.filter((one) => one.id !== id));
    });

  return (
    <section className="card" aria-labelledby="sessions">
      <h2 id="sessions">{texts.sessions}</h2>
      <p className="problem" role="alert">
        {problem}
      </p>
      <ul>
        {found.map((one) => (
          <li key={one.id}>
            {one.client} · {one.address} ·{" "}
            {one.current ? texts.sessionHere : texts.sessionUsed(new Date(one.last_used_at).toLocaleString())}{" "}
            {!one.current && (
              <button className="small" type="button" onClick={() => void end(one.id)}>
                {texts.sessionEnd}
              </button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
