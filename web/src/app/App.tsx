import { useCallback, useEffect, useState } from "react";

import { Refused } from "../backend/client";
import { acceptInvitation } from "../backend/session";
import { Agents } from "../features/agents/Agents";
import { HowToChat } from "../features/agents/HowToChat";
import { Health } from "../features/health/Health";
import { Doorstep } from "../features/session/Doorstep";
import { forgetLink, noLink, openedLink, type Link } from "../features/session/link";
import { Sessions } from "../features/session/Sessions";
import { useSession } from "../features/session/useSession";
import { en } from "../shared/en";
import { LanguageProvider } from "../shared/i18n";

/** The whole page: signed out or signed in. */
export function App() {
  const [notice, setNotice] = useState("");
  const [link, setLink] = useState<Link>(openedLink);
  const onEnded = useCallback(() => setNotice(en.sessionEnded), []);
  const { session, signedIn, renew, leave } = useSession(onEnded);

  const linkUsed = useCallback(() => {
    setLink(noLink);
    forgetLink();
  }, []);

  useEffect(() => {
    if (!session || link.kind !== "invitation") return;
    linkUsed();
    acceptInvitation(session, link.token).then(
      () => setNotice(en.joined),
      (error: unknown) => setNotice(error instanceof Refused ? error.message : en.unreachable),
    );
  }, [session, link, linkUsed]);

  const isForStrangers = link.kind === "confirm" || link.kind === "reset";
  const out = () => {
    setNotice("");
    leave();
  };

  return (
    <LanguageProvider value={en}>
      <header>
        <div>
          <h1>{en.title}</h1>
          <p className="quiet">{en.tagline}</p>
        </div>
        {session && (
          <div className="who">
            <span className="quiet">{en.signedInAs(session.jid)}</span>
            <button className="small" type="button" onClick={out}>
              {en.signOut}
            </button>
          </div>
        )}
      </header>
      <main>
        {session === undefined && <p>{en.loading}</p>}
        {(session === null || (session && isForStrangers)) && (
          <Doorstep key={notice} notice={notice} link={link} onLinkUsed={linkUsed} onSignedIn={signedIn} />
        )}
        {session && !isForStrangers && (
          <>
            {notice !== "" && <p role="status">{notice}</p>}
            <Agents session={session} onEnded={renew} />
            <HowToChat jid={session.jid} />
            <Sessions session={session} />
          </>
        )}
      </main>
      <footer>
        <Health />
      </footer>
    </LanguageProvider>
  );
}
