import { useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import type { HubOut } from "../../backend/types";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { AskFirst } from "../../shared/ui/Dialog";
import { Badge, Button, Table, Trouble, Waiting } from "../../shared/ui/parts";

const HUBS = "/v1/hubs";
const PEERS = "/v1/peers";
const WITNESSES = "/v1/ledger/witnesses";

/** Hubs whose keys are pinned. One that showed other keys is frozen until somebody who governs this hub has looked. */
export function Hubs({ mayChange }: { mayChange: boolean }) {
  const texts = useTexts();
  const hubs = useRead(HUBS);
  const peers = useRead(PEERS).data?.items ?? [];
  const frozen = peers.filter((one) => one.standing === "frozen").map((one) => one.name);
  const found = hubs.data?.items ?? [];
  return (
    <section className="stack">
      <h2>{texts.hubs.title}</h2>
      <p className="quiet prose">{texts.hubs.words}</p>
      <Trouble error={hubs.error} />
      {hubs.isPending && <Waiting />}
      {hubs.data !== undefined && found.length === 0 && <p className="quiet">{texts.hubs.none}</p>}
      {found.length > 0 && (
        <Table label={texts.hubs.title} figures={[2]} heads={[texts.hubs.hub, texts.hubs.keys, texts.hubs.agents, texts.hubs.pinned, texts.actions]}>
          {found.map((one) => (
            <Row
              key={one.domain}
              hub={one}
              frozen={frozen.filter((name) => name === one.domain || name === `agents.${one.domain}`)}
              mayChange={mayChange}
            />
          ))}
        </Table>
      )}
    </section>
  );
}

/** `frozen`: the entries of this hub among the peers that are stopped. */
function Row({ hub, frozen, mayChange }: { hub: HubOut; frozen: readonly string[]; mayChange: boolean }) {
  const texts = useTexts();
  const format = useFormat();
  const [asks, setAsks] = useState(false);
  const anew = useChange(
    async (api, _: void) => {
      await api.delete("/v1/hubs/{domain}/keys", { path: { domain: hub.domain } });
      for (const name of frozen) await api.patch("/v1/peers/{name}", { path: { name }, body: {} });
    },
    [HUBS, PEERS, WITNESSES],
    () => setAsks(false),
  );
  return (
    <tr>
      <td>
        {hub.domain}
        {frozen.length > 0 && (
          <p>
            <Badge tone="bad">{texts.hubs.frozen}</Badge>
          </p>
        )}
      </td>
      <td>
        {hub.keys.map((key) => (
          <code key={key} className="details">
            {key}
          </code>
        ))}
      </td>
      <td className="figure">{format.number(hub.agents)}</td>
      <td>
        {format.moment(hub.pinned_at)}
        <p className="quiet small">{texts.hubs.seen(format.moment(hub.seen_at))}</p>
      </td>
      <td>
        {mayChange && (
          <Button compact kind="danger" onClick={() => setAsks(true)}>
            {texts.hubs.anew}
          </Button>
        )}
        {asks && (
          <AskFirst
            title={texts.hubs.anewTitle(hub.domain)}
            words={texts.hubs.anewWords}
            action={texts.hubs.anew}
            busy={anew.isPending}
            error={anew.error}
            onYes={() => anew.mutate()}
            onNo={() => setAsks(false)}
          />
        )}
      </td>
    </tr>
  );
}
