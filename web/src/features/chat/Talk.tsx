import {
  useCallback,
  useEffect,
  useLayoutEffect,
  useRef,
  useState,
  useSyncExternalStore,
  type RefObject,
} from "react";
import { useQueryClient } from "@tanstack/react-query";

import { useRead, useSigned } from "../../backend/hooks";
import { ApprovalCard } from "../../shared/approvals/ApprovalCard";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { to } from "../../shared/router";
import { Back } from "../../shared/ui/icons";
import { Avatar, Button, LinkButton } from "../../shared/ui/parts";
import { Composer } from "./Composer";
import type { Line } from "./line";
import type { Message } from "./messages";
import { Rows } from "./Rows";
import { SourcesDialog } from "./SourcesDialog";
import { Styled } from "./Styled";

const NEAR_PX = 120;
const LOOK_MS = 15_000;
const AHEAD_PX = 600;
/** Browsers that hold what is read in its place when more comes above; at the very top they do not. */
const ANCHORS = CSS.supports("overflow-anchor", "auto");

interface Props {
  line: Line;
  peer: string;
  name: string;
  picture: string;
  agentId: string | undefined;
}

/** One conversation. */
export function Talk({ line, peer, name, picture, agentId }: Props) {
  const texts = useTexts();
  const state = useSyncExternalStore(line.subscribe, () => line.state);
  const live = useSyncExternalStore(line.subscribe, () => line.live);
  const { messages, typing, growing, older, asked } = useSyncExternalStore(line.subscribe, () => line.with(peer));
  const [cited, setCited] = useState<Message>();

  useEffect(() => {
    if (state === "online" && !asked) void line.older(peer);
  }, [state, asked, line, peer]);

  const { log, lines } = useFollowing(messages);
  const above = useNear(log, () => void line.older(peer));
  return (
    <section className="talk" aria-label={name} data-live={live ? "yes" : "no"}>
      <header>
        <a className="back" href={to("chat")} aria-label={texts.back}>
          <Back />
        </a>
        <Avatar name={name} picture={picture} />
        <div className="grow">
          <h2 className="cut">{name}</h2>
          <p className="quiet small cut" role="status">
            {typing ? texts.chat.thinking : agentId === undefined ? peer : <Quota agentId={agentId} />}
          </p>
        </div>
        {agentId !== undefined && <LinkButton href={to("agents", agentId)}>{texts.chat.about}</LinkButton>}
      </header>
      <div ref={log} className="log" role="log" aria-label={texts.chat.log} tabIndex={0}>
        <div ref={lines} className="lines">
          {older !== null && asked && older !== "" && (
            <div key={older} ref={above} className="older">
              <Button kind="plain" onClick={() => void line.older(peer)}>
                {texts.chat.older}
              </Button>
            </div>
          )}
          {older === null && messages.length === 0 && <p className="day">{texts.chat.begin(name)}</p>}
          <Rows messages={messages} onSources={setCited} />
          {agentId !== undefined && <Pending agentId={agentId} last={messages.at(-1)?.id ?? ""} />}
          {growing !== undefined && growing.text !== "" && (
            // Read out once it is whole.
            <div className="message growing" aria-live="off">
              <div className="bubble">
                <Styled text={growing.text} />
              </div>
            </div>
          )}
          {typing && (growing === undefined || growing.text === "") && (
            <div className="message">
              <div className="bubble">
                <span className="dots" role="img" aria-label={texts.chat.thinking}>
                  <i />
                  <i />
                  <i />
                </span>
              </div>
            </div>
          )}
        </div>
      </div>
      <div>
        {state !== "online" && (
          <p className="away" role="status">
            {state === "connecting" ? texts.chat.connecting : texts.chat.away}
          </p>
        )}
        <Composer line={line} peer={peer} name={name} online={state === "online"} />
      </div>
      {cited?.turn && agentId !== undefined && (
        <SourcesDialog agentId={agentId} turn={cited.turn} onClose={() => setCited(undefined)} />
      )}
    </section>
  );
}

/** Stays at the end while the reader is there, and where they are when older messages come above. */
function useFollowing(messages: readonly Message[]) {
  const log = useRef<HTMLDivElement>(null);
  const lines = useRef<HTMLDivElement>(null);
  const seen = useRef({ first: "", height: 0, atEnd: true });
  useEffect(() => {
    const box = log.current;
    const content = lines.current;
    if (box === null || content === null) return;
    const look = () => {
      seen.current.atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_PX;
    };
    // Whatever grows: a message, a call that waits, or the room when the keyboard of a phone goes.
    const grown = new ResizeObserver(() => {
      if (seen.current.atEnd) box.scrollTop = box.scrollHeight;
    });
    grown.observe(content);
    grown.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      grown.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, []);
  useLayoutEffect(() => {
    const box = log.current;
    if (box === null) return;
    const first = messages[0]?.id ?? "";
    const last = messages.at(-1);
    if (seen.current.atEnd || (last?.mine === true && last.state === "sending")) box.scrollTop = box.scrollHeight;
    else if (first !== seen.current.first && (box.scrollTop === 0 || !ANCHORS)) {
      box.scrollTop += box.scrollHeight - seen.current.height;
    }
    seen.current = { ...seen.current, first, height: box.scrollHeight };
  }, [messages]);
  return { log, lines };
}

/** What is called when the reader has come near to what it is put on. */
function useNear(log: RefObject<HTMLElement | null>, near: () => void): (element: HTMLElement | null) => void {
  const latest = useRef(near);
  useEffect(() => {
    latest.current = near;
  });
  const watching = useRef<IntersectionObserver>(undefined);
  return useCallback(
    (element) => {
      watching.current?.disconnect();
      if (element === null) return;
      const seen = (entries: IntersectionObserverEntry[]) => {
        if (entries.some((one) => one.isIntersecting)) latest.current();
      };
      watching.current = new IntersectionObserver(seen, { root: log.current, rootMargin: `${AHEAD_PX}px 0px 0px` });
      watching.current.observe(element);
    },
    [log],
  );
}

function Quota({ agentId }: { agentId: string }) {
  const texts = useTexts();
  const format = useFormat();
  const agent = useRead("/v1/agents/{agent_id}", { path: { agent_id: agentId } });
  const use = useRead("/v1/agents/{agent_id}/usage", { path: { agent_id: agentId }, query: { days: 1 } }, { everyMs: 30_000 });
  if (agent.data === undefined || use.data === undefined) return null;
  const used = use.data.items.reduce((sum, one) => sum + one.tokens_used, 0);
  const most = agent.data.governance.max_tokens_per_day;
  if (most === undefined) return texts.chat.used(format.number(used));
  return texts.chat.left(format.number(Math.max(0, most - used)), format.number(most));
}

/** Calls of this agent that wait for who reads, or for somebody else on their behalf; asked for anew with each message. */
function Pending({ agentId, last }: { agentId: string; last: string }) {
  const { session } = useSigned();
  const kept = useQueryClient();
  const found = useRead("/v1/approvals", {}, { everyMs: LOOK_MS });
  useEffect(() => {
    void kept.invalidateQueries({ queryKey: ["/v1/approvals"] });
  }, [kept, last]);
  const here = found.data?.items.filter((one) => one.agent_id === agentId) ?? [];
  const shown = here.filter((one) => one.mine_to_decide || one.requester === session.jid);
  return shown.map((one) => <ApprovalCard key={one.id} approval={one} />);
}
