import { useId, useState, type KeyboardEvent } from "react";
import { useQuery } from "@tanstack/react-query";

import { useTexts } from "../../shared/i18n";
import { Clip, Drop, Send } from "../../shared/ui/icons";
import { Button, Trouble } from "../../shared/ui/parts";
import { useFiles } from "./files";
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
  const files = useFiles(line);
  const busy = files.share !== undefined;
  const ready = !busy && (text.trim() !== "" || files.chosen.length > 0);
  const send = async () => {
    if (!ready) return;
    const links = files.chosen.length === 0 ? [] : await files.send();
    if (links === undefined) return;
    line.say(peer, text.trim(), links);
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
      void send();
    }
  };

  return (
    <form
      className="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <Chosen files={files} />
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
      <label className="button attach" title={texts.chat.attach}>
        <Clip />
        <span className="sr-only">{texts.chat.attach}</span>
        <input
          type="file"
          multiple
          className="sr-only"
          disabled={busy}
          onChange={(event) => {
            files.add([...(event.target.files ?? [])]); // a copy: the next line empties it
            event.target.value = "";
          }}
        />
      </label>
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
      <Button kind="main" type="submit" aria-label={texts.chat.send} disabled={!ready}>
        <Send />
      </Button>
    </form>
  );
}

/** The files that go with the next message. */
function Chosen({ files }: { files: ReturnType<typeof useFiles> }) {
  const texts = useTexts();
  if (files.chosen.length === 0 && files.error === null) return null;
  return (
    <div className="chosen">
      <Trouble error={files.error} />
      {files.chosen.map((one, at) => (
        <span key={at} className="badge">
          <span className="cut">{one.name}</span>
          <button type="button" aria-label={texts.chat.detach(one.name)} onClick={() => files.drop(one)}>
            <Drop size={14} />
          </button>
        </span>
      ))}
      {files.share !== undefined && <progress value={files.share} max={1} aria-label={texts.chat.uploading} />}
    </div>
  );
}

function fitting(commands: Command[], text: string): Command[] {
  const begun = text.slice(1).toLowerCase();
  return begun.includes(" ") ? [] : commands.filter((one) => one.name.startsWith(begun)).slice(0, 12);
}
