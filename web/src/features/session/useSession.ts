import { useCallback, useEffect, useState } from "react";

import { Refused } from "../../backend/client";
import { resume, signOut, wasSignedIn } from "../../backend/session";
import type { Session } from "../../backend/types";

const EARLY_S = 60;
const RETRY_MS = 5000;

interface Held {
  /** Undefined while it is not known yet, null when nobody is signed in. */
  session: Session | null | undefined;
  signedIn: (session: Session) => void;
  /** The hub did not take the token: a new one, or the end. */
  renew: () => void;
  leave: () => void;
}

/** The session of this page: resumed after a reload, renewed before it runs out. */
export function useSession(onEnded: () => void): Held {
  const [session, setSession] = useState<Session | null | undefined>(() => (wasSignedIn() ? undefined : null));

  const renew = useCallback(() => {
    resume().then(setSession, (error: unknown) => {
      if (error instanceof Refused && error.problem.status === 401) {
        setSession((before) => {
          if (before) onEnded();
          return null;
        });
      } else {
        window.setTimeout(renew, RETRY_MS); // the hub is away, not the session
      }
    });
  }, [onEnded]);

  useEffect(() => {
    if (session === null) return;
    if (session === undefined) {
      renew();
      return;
    }
    const timer = window.setTimeout(renew, Math.max(1, session.expires_in - EARLY_S) * 1000);
    return () => window.clearTimeout(timer);
  }, [session, renew]);

  const leave = () => {
    if (session) signOut(session).catch(() => undefined); // it may have ended already: the page forgets it either way
    setSession(null);
  };

  return { session, signedIn: setSession, renew, leave };
}
