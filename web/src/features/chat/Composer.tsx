import { useId, useState, type KeyboardEvent } from "react";
import { useQuery } from "@tanstack/react-query";

import { useTexts } from "../../shared/i18n";
import { Send } from "../../shared/ui/icons";
import { Button } from "../../shared/ui/parts";
import type { Command, Line } from "./line";

interface Props {
  line: Line;
  peer: string;
  name: string;
  online: boolean;
}

/** Where one writes. Enter sends, Shift+Enter makes a line; what begins with / is completed from what the agent offers. */
export function Composer({ line, peer, name, online }: Props) {
  const texts = useTexts();
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const [closed, setClosed] = useState(false);
  const id = useId();
  const wants = text.startsWith("/");
  const commands = useQuery({
    queryKey: ["commands", peer],
    queryFn: () => line.commands(peer),
    enabled: wants && online,
    staleTime: 60_000,
  });
  const offered = closed || !wants ? [] : fitting(commands.data ?? [], text);
  const chosen = offered[Math.min(at, offered.length - 1)];

  const change = (next: string) => {
    setText(next);
    setAt(0);
    setClosed(false);
  };
  const send = () => {
    if (text.trim() === "") return;
    line.say(peer, text.trim());
    change("");
  };
  const onKey = (event: KeyboardEvent) => {
    if (event.nativeEvent.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (chosen !== undefined && step !== undefined) {
      event.preventDefault();
      setAt((Math.min(at, offered.length - 1) + step + offered.length) % offered.length);
    } else if (chosen !== undefined && (event.key === "Tab" || (event.key === "Enter" && `/${chosen.name}` !== text))) {
      event.preventDefault();
      change(`/${chosen.name} `);
    } else if (chosen !== undefined && event.key === "Escape") {
      setClosed(true);
    } else if (event.key === "Enter" && !event.shiftKey) {
      event.preventDefault();
      send();
    }
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      {offered.length > 0 && (
        <ul className="commands" id={id} role="listbox" aria-label={texts.chat.commands}>
          {offered.map((one) => (
            <li
              key={one.name}
              id={`${id}-${one.name}`}
              role="option"
              aria-selected={one === chosen}
              onMouseDown={(event) => {
                event.preventDefault();
                change(`/${one.name} `);
              }}
            >
              <code>/{one.name}</code>
              <span className="cut">{one.title}</span>
            </li>
          ))}
        </ul>
      )}
      <textarea
        className="input"
        rows={1}
        value={text}
        onChange={(event) => change(event.target.value)}
        onKeyDown={onKey}
        placeholder={texts.chat.write(name)}
        aria-label={texts.chat.write(name)}
        aria-controls={offered.length > 0 ? id : undefined}
        aria-autocomplete="list"
        aria-activedescendant={chosen === undefined ? undefined : `${id}-${chosen.name}`}
      />
      <Button kind="main" type="submit" aria-label={texts.chat.send} disabled={text.trim() === ""}>
        <Send />
      </Button>
    </form>
  );
}

function fitting(commands: Command[], text: string): Command[] {
  const begun = text.slice(1).toLowerCase();
  return begun.includes(" ") ? [] : commands.filter((one) => one.name.startsWith(begun)).slice(0, 12);
}
