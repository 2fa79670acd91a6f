import { memo } from "react";

import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { Paper } from "../../shared/ui/icons";
import type { Message } from "./messages";
import { Styled } from "./Styled";

const APART_MS = 5 * 60_000;

interface Props {
  message: Message;
  before: Message | undefined;
  onSources: (message: Message) => void;
}

/** One message with what is said beside it. */
export const MessageRow = memo(function MessageRow({ message, before, onSources }: Props) {
  const texts = useTexts();
  const format = useFormat();
  const newDay = before === undefined || new Date(before.at).toDateString() !== new Date(message.at).toDateString();
  const apart = newDay || before.mine !== message.mine || message.at - before.at > APART_MS;
  return (
    <>
      {newDay && <p className="day">{format.day(message.at)}</p>}
      <article className={`message ${message.mine ? "mine" : ""}`} data-state={message.state}>
        <div className="bubble">
          {message.retracted === true && <span className="quiet">{texts.chat.retracted}</span>}
          {message.text !== "" && <Styled text={message.text} />}
          {message.files?.map((one) => (
            <a key={one.url} className="file" href={one.url} target="_blank" rel="noopener noreferrer nofollow">
              <Paper size={18} /> <span className="cut">{one.name}</span>
            </a>
          ))}
        </div>
        {message.mine ? <Sent message={message} apart={apart} /> : <Told message={message} onSources={onSources} />}
      </article>
    </>
  );
});

function Sent({ message, apart }: { message: Message; apart: boolean }) {
  const texts = useTexts();
  const format = useFormat();
  if (message.state === "failed") {
    return (
      <p className="problem" role="alert">
        {message.error ?? texts.chat.failed}
      </p>
    );
  }
  return (
    <p className="beside">
      {apart && <span>{format.clock(message.at)}</span>}
      <span>{texts.chat.state[message.state]}</span>
    </p>
  );
}

function Told({ message, onSources }: { message: Message; onSources: (message: Message) => void }) {
  const texts = useTexts();
  const format = useFormat();
  const { turn } = message;
  if (turn === undefined) {
    return (
      <p className="beside">
        <span>{format.clock(message.at)}</span>
      </p>
    );
  }
  return (
    <p className="beside">
      <span>{format.clock(message.at)}</span>
      <span>{texts.chat.times(format.number(turn.platformMs), format.number(turn.workerMs))}</span>
      <span>{texts.chat.tokens(format.number(turn.tokens))}</span>
      {turn.sources.length > 0 && (
        <button type="button" onClick={() => onSources(message)}>
          {texts.chat.sources(turn.sources.length)}
        </button>
      )}
    </p>
  );
}
