import { useCallback, useEffect, useState } from "react";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";

import { Refused } from "../backend/ask";
import { acceptInvitation } from "../backend/session";
import { Doorstep } from "../features/session/Doorstep";
import { forgetLink, noLink, openedLink, type Link } from "../features/session/link";
import { useSession } from "../features/session/useSession";
import { en } from "../shared/en";
import { LanguageProvider } from "../shared/i18n";
import { pt } from "../shared/pt";
import { useLook } from "../shared/theme";
import { Mark } from "../shared/ui/icons";
import { Waiting } from "../shared/ui/parts";
import { Toasts } from "../shared/ui/Toasts";
import { SignedIn } from "./SignedIn";

const FRESH_MS = 5000;

function newMemory(): QueryClient {
  const retry = (failures: number, error: Error) => !(error instanceof Refused) && failures < 2;
  return new QueryClient({ defaultOptions: { queries: { retry, staleTime: FRESH_MS }, mutations: { retry: false } } });
}

/** The whole page: signed out or signed in. */
export function App() {
  const [look] = useLook();
  const texts = look.tongue === "pt-BR" ? pt : en;
  const [notice, setNotice] = useState<"" | "ended" | "joined" | "unreachable">("");
  const [problem, setProblem] = useState("");
  const [link, setLink] = useState<Link>(openedLink);
  // One memory per person: what one has read is nothing for the next.
  const [memory, setMemory] = useState(newMemory);
  const onEnded = useCallback(() => setNotice("ended"), []);
  const { session, signedIn, tokens, leave } = useSession(onEnded);

  const linkUsed = useCallback(() => {
    setLink(noLink);
    forgetLink();
  }, []);

  useEffect(() => {
    if (!session || link.kind !== "invitation") return;
    linkUsed();
    acceptInvitation(session, link.token).then(
      () => setNotice("joined"),
      (error: unknown) => (error instanceof Refused ? setProblem(error.message) : setNotice("unreachable")),
    );
  }, [session, link, linkUsed]);

  const isForStrangers = link.kind === "confirm" || link.kind === "reset";
  const out = useCallback(() => {
    setNotice("");
    setMemory(newMemory());
    leave();
  }, [leave]);
  const words = { "": "", ended: texts.sessionEnded, joined: texts.joined, unreachable: texts.unreachable }[notice];

  return (
    <LanguageProvider value={texts}>
      <QueryClientProvider client={memory}>
        <Toasts>
          {session && !isForStrangers ? (
            <SignedIn key={session.user_id} session={session} tokens={tokens} leave={out} notice={problem || words} />
          ) : (
            <div className="door">
              <main>
                <div>
                  <p className="brand">
                    <Mark size={28} /> {texts.title}
                  </p>
                  <p className="quiet centred">
                    {texts.tagline}
                  </p>
                </div>
                {session === undefined ? (
                  <Waiting />
                ) : (
                  <Doorstep key={notice} notice={words} link={link} onLinkUsed={linkUsed} onSignedIn={signedIn} />
                )}
              </main>
            </div>
          )}
        </Toasts>
      </QueryClientProvider>
    </LanguageProvider>
  );
}
