import { useCallback, useEffect, useMemo, useRef, useState } from "react";

import { Refused } from "../../backend/ask";
import type { Tokens } from "../../backend/api";
import { resume, signOut, wasSignedIn } from "../../backend/session";
import type { Session } from "../../backend/types";

const EARLY_S = 60;
const RETRY_MS = 5000;

interface Held {
  /** Undefined while it is not known yet, null when nobody is signed in. */
  session: Session | null | undefined;
  signedIn: (session: Session) => void;
  tokens: Tokens;
  leave: () => void;
}

/** The session of this page: resumed after a reload, renewed before it runs out. The token is in memory only. */
export function useSession(onEnded: () => void): Held {
  const [session, setSession] = useState<Session | null | undefined>(() => (wasSignedIn() ? undefined : null));
  const latest = useRef(session);
  const underWay = useRef<Promise<string>>(undefined);

  const take = useCallback((next: Session | null) => {
    latest.current = next;
    setSession(next);
  }, []);

  /** A new token; one request at a time. Throws what the hub said. */
  const renewed = useCallback((): Promise<string> => {
    underWay.current ??= resume()
      .then(
        (next) => {
          take(next);
          return next.access_token;
        },
        (error: unknown) => {
          if (error instanceof Refused && error.problem.status === 401) {
            if (latest.current) onEnded();
            take(null);
          }
          throw error;
        },
      )
      .finally(() => {
        underWay.current = undefined;
      });
    return underWay.current;
  }, [onEnded, take]);

  useEffect(() => {
    if (session === null) return;
    let timer = 0;
    const renew = () => {
      renewed().catch((error: unknown) => {
        // The hub is away, not the session.
        if (!(error instanceof Refused)) timer = window.setTimeout(renew, RETRY_MS);
      });
    };
    timer = window.setTimeout(renew, session === undefined ? 0 : Math.max(1, session.expires_in - EARLY_S) * 1000);
    return () => window.clearTimeout(timer);
  }, [session, renewed]);

  const tokens = useMemo(() => ({ current: () => latest.current?.access_token ?? "", renew: renewed }), [renewed]);

  const leave = useCallback(() => {
    const ended = latest.current;
    if (ended) signOut(ended).catch(() => undefined); // it may have ended already: the page forgets it either way
    take(null);
  }, [take]);

  return { session, signedIn: take, tokens, leave };
}
