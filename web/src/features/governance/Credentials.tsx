import { useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { Badge, Button, Choice, Empty, Table, TextField, Trouble, Waiting, type Tone } from "../../shared/ui/parts";

const PATH = "/v1/credentials";
const KINDS = ["llm", "search", "smtp", "database", "mcp"] as const;
const TONES: Record<string, Tone> = { valid: "good", untested: "wait", invalid: "bad", expired: "bad" };

type Kind = (typeof KINDS)[number];
type Mode = "custom" | "global" | "disabled";

/** Keys for providers: they go in and never come out. */
export function Credentials() {
  const texts = useTexts();
  const format = useFormat();
  const credentials = useRead(PATH);
  const test = useChange(
    (api, of: { kind: Kind; provider: string }) => api.post("/v1/credentials/{kind}/{provider}/test", { path: of }),
    [PATH],
  );
  const remove = useChange(
    (api, of: { kind: Kind; provider: string }) => api.delete("/v1/credentials/{kind}/{provider}", { path: of }),
    [PATH],
  );
  const found = credentials.data?.items ?? [];
  return (
    <div className="stack">
      <NewCredential />
      <Trouble error={credentials.error ?? test.error ?? remove.error} />
      {credentials.isPending && <Waiting />}
      {credentials.data !== undefined && found.length === 0 && (
        <Empty title={texts.credentials.noneTitle} words={texts.credentials.noneWords} />
      )}
      {found.length > 0 && (
        <Table
          label={texts.governance.parts.credentials}
          heads={[texts.credentials.kind, texts.credentials.provider, texts.credentials.level, texts.credentials.mode, texts.credentials.status, texts.actions]}
        >
          {found.map((one) => (
            <tr key={`${one.level} ${one.organisation_id ?? ""} ${one.kind} ${one.provider}`}>
              <td>{texts.credentials.kinds[one.kind]}</td>
              <td>{one.provider}</td>
              <td>{texts.credentials.levels[one.level]}</td>
              <td>{texts.credentials.modes[one.mode]}</td>
              <td>
                <Badge tone={TONES[one.status] ?? ""}>{texts.credentials.states[one.status]}</Badge>
                <p className="quiet small">
                  {one.reason} {one.checked_at !== null && format.moment(one.checked_at)}
                </p>
              </td>
              <td>
                {one.level === "owner" && (
                  <span className="row">
                    <Button compact disabled={test.isPending} onClick={() => test.mutate(one)}>
                      {texts.credentials.test}
                    </Button>
                    <Button compact kind="danger" disabled={remove.isPending} onClick={() => remove.mutate(one)}>
                      {texts.delete}
                    </Button>
                  </span>
                )}
              </td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}

function NewCredential() {
  const texts = useTexts();
  const [kind, setKind] = useState<Kind>("llm");
  const [mode, setMode] = useState<Mode>("custom");
  const [provider, setProvider] = useState("");
  const [secret, setSecret] = useState("");
  const put = useChange(
    (api, _: void) =>
      api.put("/v1/credentials/{kind}/{provider}", {
        path: { kind, provider: provider.trim() },
        body: mode === "custom" ? { mode, secret } : { mode },
      }),
    [PATH],
    () => setSecret(""),
  );
  return (
    <form
      className="card stack"
      onSubmit={(event) => {
        event.preventDefault();
        put.mutate();
      }}
    >
      <h2>{texts.credentials.add}</h2>
      <div className="columns">
        <Choice label={texts.credentials.kind} value={kind} options={KINDS.map((one) => [one, texts.credentials.kinds[one]])} onChange={setKind} />
        <TextField label={texts.credentials.provider} placeholder="openai" value={provider} onChange={(event) => setProvider(event.target.value)} required />
        <Choice
          label={texts.credentials.mode}
          value={mode}
          options={[
            ["custom", texts.credentials.modes.custom],
            ["global", texts.credentials.modes.global],
            ["disabled", texts.credentials.modes.disabled],
          ]}
          onChange={setMode}
        />
        {mode === "custom" && (
          <TextField
            label={texts.credentials.secret}
            type="password"
            autoComplete="off"
            value={secret}
            onChange={(event) => setSecret(event.target.value)}
            required
          />
        )}
      </div>
      <Trouble error={put.error} />
      <div className="row">
        <Button kind="main" type="submit" disabled={put.isPending || provider.trim() === ""}>
          {put.isPending ? texts.working : texts.credentials.save}
        </Button>
      </div>
    </form>
  );
}
