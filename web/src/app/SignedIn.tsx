import { lazy, Suspense, useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import { Api, type Tokens } from "../backend/api";
import { SignedProvider, useRead } from "../backend/hooks";
import type { Session } from "../backend/types";
import { Health } from "../features/health/Health";
import { useTexts } from "../shared/i18n";
import { to, usePlace } from "../shared/router";
import { Agents, Approve, Chat, Govern, Mark, Person } from "../shared/ui/icons";
import { Waiting } from "../shared/ui/parts";

const AccountScreen = lazy(() => import("../features/account/AccountScreen"));
const AgentScreen = lazy(() => import("../features/agents/AgentScreen"));
const AgentsScreen = lazy(() => import("../features/agents/AgentsScreen"));
const ApprovalsScreen = lazy(() => import("../features/governance/ApprovalsScreen"));
const ChatScreen = lazy(() => import("../features/chat/ChatScreen"));
const GovernanceScreen = lazy(() => import("../features/governance/GovernanceScreen"));
const NewAgentScreen = lazy(() => import("../features/agents/NewAgentScreen"));

const LOOK_MS = 15_000;

interface Props {
  session: Session;
  tokens: Tokens;
  leave: () => void;
  notice: string;
}

/** Navigation, and the screen of the place that the address names. */
export function SignedIn({ session, tokens, leave, notice }: Props) {
  const texts = useTexts();
  const place = usePlace();
  const [room = "agents", one = "", part = ""] = place;
  // Renewed tokens make no new API: what is under way goes on.
  const api = useMemo(() => new Api(tokens), [tokens]);
  const who = useRef(session);
  const signed = useMemo(() => ({ api, session: who.current, leave }), [api, leave]);
  const [talked, setTalked] = useState(room === "chat");
  useEffect(() => {
    if (room === "chat") setTalked(true);
  }, [room]);
  useEffect(() => {
    document.getElementById("content")?.scrollTo(0, 0);
  }, [room, one, part]);
  useEffect(() => {
    document.title = `${titleOf(room, texts)} · AIOX`;
  }, [room, texts]);

  return (
    <SignedProvider value={signed}>
      <a className="skip" href="#content" onClick={toContent}>
        {texts.skip}
      </a>
      <div className="shell">
        <Side room={room} jid={session.jid} />
        <main id="content" className="room" tabIndex={-1}>
          {notice !== "" && (
            <p className="notice" role="status">
              {notice}
            </p>
          )}
          <Suspense fallback={<Late />}>
            {/* Stays mounted once it was opened: the connection goes on while one looks at something else. */}
            {talked && (
              <Hidden when={room !== "chat"}>
                <ChatScreen peer={room === "chat" ? one : ""} />
              </Hidden>
            )}
            {room === "agents" && one === "" && <AgentsScreen />}
            {room === "agents" && (one === "new" || one === "blank") && <NewAgentScreen blank={one === "blank"} />}
            {room === "agents" && one !== "" && one !== "new" && one !== "blank" && <AgentScreen key={one} id={one} part={part} />}
            {room === "approvals" && <ApprovalsScreen />}
            {room === "governance" && <GovernanceScreen part={one} one={part} />}
            {room === "account" && <AccountScreen />}
          </Suspense>
        </main>
      </div>
    </SignedProvider>
  );
}

function toContent(event: { preventDefault: () => void }): void {
  event.preventDefault(); // the part behind the # names the screen
  document.getElementById("content")?.focus();
}

function titleOf(room: string, texts: ReturnType<typeof useTexts>): string {
  const names: Record<string, string> = texts.nav;
  return names[room] ?? texts.nav.agents;
}

function Hidden({ when, children }: { when: boolean; children: ReactNode }) {
  return (
    <div hidden={when} className="whole">
      {children}
    </div>
  );
}

function Late() {
  return (
    <div className="screen">
      <Waiting lines={4} />
    </div>
  );
}

function Side({ room, jid }: { room: string; jid: string }) {
  const texts = useTexts();
  const approvals = useRead("/v1/approvals", {}, { everyMs: LOOK_MS });
  const mine = approvals.data?.items.filter((one) => one.mine_to_decide).length ?? 0;
  const items = [
    ["chat", Chat],
    ["agents", Agents],
    ["approvals", Approve],
    ["governance", Govern],
    ["account", Person],
  ] as const;
  return (
    <header className="side">
      <a className="brand" href={to("agents")}>
        <Mark size={24} /> {texts.title}
      </a>
      <nav className="nav" aria-label={texts.nav.label}>
        {items.map(([name, Icon]) => (
          <a key={name} href={to(name)} aria-current={name === room ? "page" : undefined}>
            <Icon />
            <span>{texts.nav[name]}</span>
            {name === "approvals" && mine > 0 && <span className="count">{mine}</span>}
          </a>
        ))}
      </nav>
      <div className="foot">
        <span className="quiet cut" title={jid}>
          {jid}
        </span>
        <Health />
      </div>
    </header>
  );
}
