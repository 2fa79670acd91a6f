import { useEffect, useState } from "react";

import { useRead, useSigned } from "../../backend/hooks";
import { readAlong } from "../../backend/live";
import { useTexts } from "../../shared/i18n";
import { to } from "../../shared/router";
import { Avatar, Empty, LinkButton, Trouble, Waiting } from "../../shared/ui/parts";
import "./chat.css";
import { Line } from "./line";
import { Talk } from "./Talk";

/** Conversations: who one may write to, and the one that is open. Keeps its connection while it is mounted. */
export default function ChatScreen({ peer }: { peer: string }) {
  const texts = useTexts();
  const line = useLine();
  const agents = useRead("/v1/agents", { query: { limit: 200 } });
  const found = agents.data?.items ?? [];
  const open = found.find((one) => one.jid === peer || one.agent_id === peer);

  return (
    <div className={`chat ${peer === "" ? "" : "open"}`}>
      <nav className="people" aria-label={texts.chat.people}>
        <h1>{texts.nav.chat}</h1>
        <Trouble error={agents.error} />
        {agents.isPending && <Waiting />}
        <ul>
          {found.map((one) => (
            <li key={one.agent_id}>
              <a href={to("chat", one.jid)} aria-current={one === open ? "page" : undefined}>
                <Avatar name={one.profile.name} picture={one.profile.avatar} />
                <span className="grow">
                  <span className="cut">{one.profile.name}</span>
                  <br />
                  <span className="quiet small">{texts.visibility[one.visibility]}</span>
                </span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {peer !== "" && line !== undefined ? (
        <Talk
          key={peer}
          line={line}
          peer={open?.jid ?? peer}
          name={open?.profile.name ?? peer}
          picture={open?.profile.avatar ?? ""}
          agentId={open?.agent_id}
        />
      ) : (
        <div className="talk">
          <span />
          {agents.data !== undefined && found.length === 0 ? (
            <Empty title={texts.agents.noneTitle} words={texts.agents.noneWords}>
              <LinkButton kind="main" href={to("agents", "new")}>
                {texts.agents.create}
              </LinkButton>
            </Empty>
          ) : (
            <Empty title={texts.chat.chooseTitle} words={texts.chat.chooseWords} />
          )}
        </div>
      )}
    </div>
  );
}

function useLine(): Line | undefined {
  const { api, session } = useSigned();
  const [line, setLine] = useState<Line>();
  const { jid } = session;
  useEffect(() => {
    const opened = new Line(jid, async () => (await api.post("/v1/account/xmpp-tokens")).token);
    setLine(opened);
    const stop = readAlong(api, { piece: (piece) => opened.grow(piece), live: (on) => opened.becomeLive(on) });
    return () => {
      stop();
      opened.hangUp();
    };
  }, [api, jid]);
  return line;
}
