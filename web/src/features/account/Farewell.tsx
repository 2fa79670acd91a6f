import { useState } from "react";

import { useApi, useChange, useSigned } from "../../backend/hooks";
import { useTexts } from "../../shared/i18n";
import { save } from "../../shared/save";
import { Dialog } from "../../shared/ui/Dialog";
import { Button, TextField, Trouble } from "../../shared/ui/parts";

/** What the hub holds about a person: a copy of it, and an end to it. */
export function Farewell() {
  const texts = useTexts();
  const api = useApi();
  const [asks, setAsks] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const download = async () => {
    try {
      save(await api.file("/v1/privacy/export"), "aiox-export.jsonl");
      setError(null);
    } catch (failed) {
      setError(failed);
    }
  };
  return (
    <section className="card stack">
      <h2>{texts.farewell.title}</h2>
      <p className="quiet">{texts.farewell.words}</p>
      <Trouble error={error} />
      <div className="row">
        <Button onClick={() => void download()}>{texts.farewell.download}</Button>
        <Button kind="danger" onClick={() => setAsks(true)}>
          {texts.farewell.erase}
        </Button>
      </div>
      {asks && <Erase onClose={() => setAsks(false)} />}
    </section>
  );
}

function Erase({ onClose }: { onClose: () => void }) {
  const texts = useTexts();
  const { leave } = useSigned();
  const [password, setPassword] = useState("");
  const erase = useChange((api, _: void) => api.post("/v1/privacy/erasures", { body: { password } }), [], leave);
  return (
    <Dialog title={texts.farewell.erase} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          erase.mutate();
        }}
      >
        <p>{texts.farewell.eraseWords}</p>
        <TextField
          label={texts.password}
          type="password"
          autoComplete="current-password"
          value={password}
          onChange={(event) => setPassword(event.target.value)}
          required
        />
        <Trouble error={erase.error} />
        <div className="row">
          <Button kind="danger" type="submit" disabled={erase.isPending || password === ""}>
            {texts.farewell.eraseNow}
          </Button>
          <Button onClick={onClose}>{texts.cancel}</Button>
        </div>
      </form>
    </Dialog>
  );
}
