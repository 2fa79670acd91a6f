import { useState } from "react";

import type { Session } from "../backend/types";
import { Agents } from "../features/agents/Agents";
import { HowToChat } from "../features/agents/HowToChat";
import { Health } from "../features/health/Health";
import { SignIn } from "../features/session/SignIn";
import { en } from "../shared/en";
import { LanguageProvider } from "../shared/i18n";

/** The whole page: signed out or signed in. */
export function App() {
  const [session, setSession] = useState<Session | null>(null);
  const [notice, setNotice] = useState("");

  const leave = (why: string) => {
    setNotice(why);
    setSession(null);
  };

  return (
    <LanguageProvider value={en}>
      <header>
        <div>
          <h1>{en.title}</h1>
          <p className="quiet">{en.tagline}</p>
        </div>
        {session !== null && (
          <div className="who">
            <span className="quiet">{en.signedInAs(session.jid)}</span>
            <button className="small" type="button" onClick={() => leave("")}>
              {en.signOut}
            </button>
          </div>
        )}
      </header>
      <main>
        {session === null ? (
          <SignIn key={notice} notice={notice} onSignedIn={setSession} />
        ) : (
          <>
            <Agents session={session} onEnded={() => leave(en.sessionEnded)} />
            <HowToChat jid={session.jid} />
          </>
        )}
      </main>
      <footer>
        <Health />
      </footer>
    </LanguageProvider>
  );
}
