import { useState } from "react";

import { useChange, useRead, useSigned } from "../../backend/hooks";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { useLook } from "../../shared/theme";
import { Badge, Button, Choice, TextField, Trouble, Waiting } from "../../shared/ui/parts";
import { useToast } from "../../shared/ui/Toasts";
import { Farewell } from "./Farewell";
import { Preferences } from "./Preferences";
import { SecondFactor } from "./SecondFactor";

/** Everything about oneself. */
export default function AccountScreen() {
  const texts = useTexts();
  const { leave } = useSigned();
  const account = useRead("/v1/account");
  return (
    <div className="screen">
      <header>
        <h1>{texts.nav.account}</h1>
        <Button onClick={leave}>{texts.signOut}</Button>
      </header>
      <Trouble error={account.error} />
      {account.isPending && <Waiting />}
      {account.data !== undefined && (
        <section className="card">
          <dl className="facts">
            <dt>{texts.email}</dt>
            <dd>{account.data.email}</dd>
            <dt>{texts.account.jid}</dt>
            <dd>
              <code>{account.data.jid}</code>
            </dd>
          </dl>
        </section>
      )}
      <Look />
      <Preferences />
      <Sessions />
      <Password />
      {account.data !== undefined && <SecondFactor on={account.data.second_factor} />}
      <Farewell />
    </div>
  );
}

function Look() {
  const texts = useTexts();
  const [look, setLook] = useLook();
  return (
    <section className="card stack">
      <h2>{texts.account.look}</h2>
      <div className="columns">
        <Choice
          label={texts.account.theme}
          value={look.theme}
          options={[
            ["system", texts.account.themes.system],
            ["light", texts.account.themes.light],
            ["dark", texts.account.themes.dark],
          ]}
          onChange={(theme) => setLook({ ...look, theme })}
        />
        <Choice
          label={texts.account.language}
          value={look.tongue}
          options={[
            ["en", "English"],
            ["pt-BR", "Português (Brasil)"],
          ]}
          onChange={(tongue) => setLook({ ...look, tongue })}
        />
      </div>
    </section>
  );
}

function Sessions() {
  const texts = useTexts();
  const format = useFormat();
  const sessions = useRead("/v1/sessions");
  const end = useChange(
    (api, id: string) => api.delete("/v1/sessions/{session_id}", { path: { session_id: id } }),
    ["/v1/sessions"],
  );
  return (
    <section className="card stack">
      <h2>{texts.sessions}</h2>
      <Trouble error={sessions.error ?? end.error} />
      <ul className="list">
        {sessions.data?.items.map((one) => (
          <li key={one.id} className="row spread">
            <div className="grow">
              <p className="cut">{one.client}</p>
              <p className="quiet small">
                {one.address} · {texts.sessionUsed(format.moment(one.last_used_at))}
              </p>
            </div>
            {one.current ? (
              <Badge tone="good">{texts.sessionHere}</Badge>
            ) : (
              <Button compact kind="danger" disabled={end.isPending} onClick={() => end.mutate(one.id)}>
                {texts.sessionEnd}
              </Button>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function Password() {
  const texts = useTexts();
  const toast = useToast();
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const change = useChange(
    (api, _: void) => api.put("/v1/account/password", { body: { current, new: next } }),
    ["/v1/sessions"],
    () => {
      setCurrent("");
      setNext("");
      toast(texts.account.passwordChanged);
    },
  );
  return (
    <form
      className="card stack"
      onSubmit={(event) => {
        event.preventDefault();
        change.mutate();
      }}
    >
      <h2>{texts.account.passwordTitle}</h2>
      <div className="columns">
        <TextField
          label={texts.account.currentPassword}
          type="password"
          autoComplete="current-password"
          value={current}
          onChange={(event) => setCurrent(event.target.value)}
          required
        />
        <TextField
          label={texts.newPassword}
          type="password"
          autoComplete="new-password"
          minLength={12}
          value={next}
          onChange={(event) => setNext(event.target.value)}
          required
        />
      </div>
      <Trouble error={change.error} />
      <div className="row">
        <Button type="submit" disabled={change.isPending || next.length < 12}>
          {texts.account.changePassword}
        </Button>
      </div>
    </form>
  );
}
