import { useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import type { PeerOut } from "../../backend/types";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { AskFirst } from "../../shared/ui/Dialog";
import { Badge, Button, Check, Empty, Table, TextField, Trouble, Waiting, type Tone } from "../../shared/ui/parts";
import { Hubs } from "./Hubs";
import { Witnesses } from "./Witnesses";

const LIST = "/v1/peers";
const WAITING = "/v1/introductions";
const STANDINGS: Record<PeerOut["standing"], Tone> = { allowed: "good", blocked: "bad", frozen: "bad" };
const SWITCHES = ["see", "invoke", "spend"] as const;

type Switches = Record<(typeof SWITCHES)[number], boolean>;
const NOTHING: Switches = { see: false, invoke: false, spend: false };

/** Other servers: what each may do here. Those who govern the hub change it, its auditors look. */
export function Peers({ mayChange }: { mayChange: boolean }) {
  const texts = useTexts();
  const peers = useRead(LIST);
  const found = peers.data?.items ?? [];
  return (
    <div className="stack">
      <p className="quiet prose">{texts.peers.words}</p>
      <Introductions mayChange={mayChange} />
      <Trouble error={peers.error} />
      {peers.isPending && <Waiting />}
      {peers.data !== undefined && found.length === 0 && <Empty title={texts.peers.noneTitle} words={texts.peers.noneWords} />}
      {found.length > 0 && (
        <Table
          label={texts.governance.parts.peers}
          figures={[3]}
          heads={[texts.peers.name, texts.peers.standing, texts.peers.may, texts.peers.used, texts.actions]}
        >
          {found.map((one) => (
            <Row key={one.name} peer={one} mayChange={mayChange} />
          ))}
        </Table>
      )}
      {mayChange && <NewPeer />}
      <Hubs mayChange={mayChange} />
      <Witnesses />
    </div>
  );
}

function Row({ peer, mayChange }: { peer: PeerOut; mayChange: boolean }) {
  const texts = useTexts();
  const format = useFormat();
  const [asks, setAsks] = useState(false);
  const path = { name: peer.name };
  const change = useChange((api, part: Partial<Switches>) => api.patch("/v1/peers/{name}", { path, body: part }), [LIST]);
  const block = useChange((api, _: void) => api.post("/v1/peers/{name}/block", { path }), [LIST]);
  const remove = useChange((api, _: void) => api.delete("/v1/peers/{name}", { path }), [LIST]);
  const busy = change.isPending || block.isPending;
  return (
    <tr>
      <td>
        {peer.name}
        <p className="quiet small">{texts.peers.proofs[peer.proof]}</p>
        {peer.note !== "" && <p className="quiet small">{peer.note}</p>}
      </td>
      <td>
        <Badge tone={STANDINGS[peer.standing]}>{texts.peers.standings[peer.standing]}</Badge>
      </td>
      <td>
        {SWITCHES.map((name) =>
          mayChange ? (
            <Check
              key={name}
              label={texts.peers.switches[name]}
              checked={(change.isPending ? change.variables[name] : undefined) ?? peer[name]}
              onChange={(on) => change.mutate({ [name]: on })}
            />
          ) : (
            peer[name] && <Badge key={name}>{texts.peers.switches[name]}</Badge>
          ),
        )}
        <Trouble error={change.error ?? block.error} />
      </td>
      <td className="figure">{texts.peers.tokensToday(format.number(peer.used.day_tokens))}</td>
      <td>
        {mayChange && (
          <span className="row">
            {peer.standing === "allowed" ? (
              <Button compact kind="danger" disabled={busy} onClick={() => block.mutate()}>
                {texts.peers.block}
              </Button>
            ) : (
              <Button compact disabled={busy} onClick={() => change.mutate({})}>
                {texts.peers.unblock}
              </Button>
            )}
            <Button compact kind="danger" onClick={() => setAsks(true)}>
              {texts.peers.remove}
            </Button>
          </span>
        )}
        {asks && (
          <AskFirst
            title={texts.peers.removeTitle(peer.name)}
            words={texts.peers.removeWords}
            action={texts.peers.remove}
            busy={remove.isPending}
            error={remove.error}
            onYes={() => remove.mutate()}
            onNo={() => setAsks(false)}
          />
        )}
      </td>
    </tr>
  );
}

function Introductions({ mayChange }: { mayChange: boolean }) {
  const texts = useTexts();
  const format = useFormat();
  const waiting = useRead(WAITING);
  const accept = useChange(
    (api, domain: string) =>
      api.post("/v1/introductions/{domain}/accept", { path: { domain }, body: { ...NOTHING, see: true, invoke: true } }),
    [LIST, WAITING],
  );
  const decline = useChange((api, domain: string) => api.delete("/v1/introductions/{domain}", { path: { domain } }), [WAITING]);
  const found = waiting.data?.items ?? [];
  if (found.length === 0) return <Trouble error={waiting.error} />;
  return (
    <section className="card stack">
      <h2>{texts.peers.introductions}</h2>
      <Trouble error={accept.error ?? decline.error} />
      <ul className="list">
        {found.map((one) => (
          <li key={one.domain} className="row spread">
            <span>
              {one.domain} <span className="quiet small">{format.moment(one.asked_at)}</span>
            </span>
            {mayChange && (
              <span className="row">
                <Button compact disabled={accept.isPending} onClick={() => accept.mutate(one.domain)}>
                  {texts.peers.accept}
                </Button>
                <Button compact kind="danger" disabled={decline.isPending} onClick={() => decline.mutate(one.domain)}>
                  {texts.peers.decline}
                </Button>
              </span>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}

function NewPeer() {
  const texts = useTexts();
  const [name, setName] = useState("");
  const [may, setMay] = useState(NOTHING);
  const [certificate, setCertificate] = useState("");
  const put = useChange(
    (api, called: string) => api.put("/v1/peers/{name}", { path: { name: called }, body: { ...may, certificate } }),
    [LIST],
    () => {
      setName("");
      setMay(NOTHING);
      setCertificate("");
    },
  );
  return (
    <form
      className="card stack"
      onSubmit={(event) => {
        event.preventDefault();
        put.mutate(name.trim());
      }}
    >
      <h2>{texts.peers.add}</h2>
      <TextField label={texts.peers.name} hint={texts.peers.nameHint} value={name} onChange={(event) => setName(event.target.value)} required />
      {SWITCHES.map((one) => (
        <Check
          key={one}
          label={texts.peers.switches[one]}
          hint={texts.peers.hints[one]}
          checked={may[one]}
          onChange={(on) => setMay({ ...may, [one]: on })}
        />
      ))}
      <label className="field">
        <span className="label">{texts.peers.certificate}</span>
        <textarea className="input" value={certificate} placeholder="-----BEGIN CERTIFICATE-----" onChange={(event) => setCertificate(event.target.value)} />
        <span className="hint">{texts.peers.certificateHint}</span>
      </label>
      <Trouble error={put.error} />
      <div className="row">
        <Button kind="main" type="submit" disabled={put.isPending || name.trim() === ""}>
          {texts.peers.add}
        </Button>
      </div>
    </form>
  );
}
