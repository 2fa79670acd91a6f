import { useState } from "react";

import { useChange } from "../../backend/hooks";
import { useTexts } from "../../shared/i18n";
import { Badge, Button, TextField, Trouble } from "../../shared/ui/parts";

/** A code beside the password: turned on with a first code, off with password and code. */
export function SecondFactor({ on }: { on: boolean }) {
  const texts = useTexts();
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const stale = ["/v1/account"] as const;
  const begin = useChange((api, _: void) => api.post("/v1/account/second-factor", { body: { password } }), []);
  const confirm = useChange((api, _: void) => api.post("/v1/account/second-factor/confirmations", { body: { code } }), stale);
  const remove = useChange(
    (api, _: void) => api.post("/v1/account/second-factor/removals", { body: { password, code } }),
    stale,
    () => {
      begin.reset();
      confirm.reset();
    },
  );
  const asks = begin.data !== undefined && !on;
  const field = (
    <TextField
      label={texts.code}
      value={code}
      inputMode="numeric"
      autoComplete="one-time-code"
      onChange={(event) => setCode(event.target.value)}
      required
    />
  );
  return (
    <form
      className="card stack"
      onSubmit={(event) => {
        event.preventDefault();
        (on ? remove : asks ? confirm : begin).mutate();
      }}
    >
      <div className="row spread">
        <h2>{texts.factor.title}</h2>
        <Badge tone={on ? "good" : ""}>{on ? texts.factor.on : texts.factor.off}</Badge>
      </div>
      <p className="quiet">{on ? texts.factor.onWords : texts.factor.offWords}</p>
      {asks && (
        <dl className="facts">
          <dt>{texts.factor.secret}</dt>
          <dd>
            <code>{begin.data.secret}</code>
          </dd>
          <dt>{texts.factor.link}</dt>
          <dd>
            <a href={begin.data.uri}>{texts.factor.open}</a>
          </dd>
        </dl>
      )}
      {confirm.data !== undefined && (
        <div className="notice stack tight">
          <p>{texts.factor.codes}</p>
          <p>
            <code>{confirm.data.codes.join("  ")}</code>
          </p>
        </div>
      )}
      <div className="columns">
        {!asks && (
          <TextField
            label={texts.password}
            type="password"
            autoComplete="current-password"
            value={password}
            onChange={(event) => setPassword(event.target.value)}
            required
          />
        )}
        {(asks || on) && field}
      </div>
      <Trouble error={begin.error ?? confirm.error ?? remove.error} />
      <div className="row">
        <Button type="submit" disabled={begin.isPending || confirm.isPending || remove.isPending}>
          {on ? texts.factor.turnOff : asks ? texts.factor.confirm : texts.factor.turnOn}
        </Button>
      </div>
    </form>
  );
}
