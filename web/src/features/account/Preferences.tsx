import { useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import type { Preferences as Kept } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { Button, Choice, TextField, Trouble, Waiting } from "../../shared/ui/parts";
import { useToast } from "../../shared/ui/Toasts";

/** How every agent answers this person. */
export function Preferences() {
  const texts = useTexts();
  const kept = useRead("/v1/preferences");
  return (
    <section className="card stack">
      <h2>{texts.preferences.title}</h2>
      <p className="quiet">{texts.preferences.words}</p>
      <Trouble error={kept.error} />
      {kept.data === undefined ? <Waiting /> : <Form from={kept.data} />}
    </section>
  );
}

function Form({ from }: { from: Kept }) {
  const texts = useTexts();
  const toast = useToast();
  const [kept, setKept] = useState(from);
  const save = useChange(
    (api, next: Kept) => api.put("/v1/preferences", { body: next }),
    ["/v1/preferences"],
    () => toast(texts.saved),
  );
  return (
    <form
      className="stack"
      onSubmit={(event) => {
        event.preventDefault();
        save.mutate(kept);
      }}
    >
      <div className="columns">
        <Choice
          label={texts.preferences.tone}
          value={kept.tone ?? ""}
          options={(["", "neutral", "friendly", "formal", "direct"] as const).map((one) => [one, texts.preferences.tones[one === "" ? "unset" : one]])}
          onChange={(tone) => setKept({ ...kept, tone })}
        />
        <Choice
          label={texts.preferences.format}
          value={kept.format ?? ""}
          options={(["", "brief", "detailed", "bullets", "steps"] as const).map((one) => [one, texts.preferences.formats[one === "" ? "unset" : one]])}
          onChange={(format) => setKept({ ...kept, format })}
        />
        <TextField
          label={texts.preferences.language}
          hint={texts.preferences.languageHint}
          value={kept.language ?? ""}
          maxLength={30}
          onChange={(event) => setKept({ ...kept, language: event.target.value })}
        />
      </div>
      <Trouble error={save.error} />
      <div className="row">
        <Button type="submit" disabled={save.isPending}>
          {texts.save}
        </Button>
      </div>
    </form>
  );
}
