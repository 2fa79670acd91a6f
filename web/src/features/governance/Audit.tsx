import { useState } from "react";

import { useApi, useRead } from "../../backend/hooks";
import type { LedgerRecord } from "../../backend/types";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { narrow, to, useNarrowing } from "../../shared/router";
import { save } from "../../shared/save";
import { Badge, Button, Choice, Empty, LinkButton, Table, TextField, Trouble, Waiting, type Tone } from "../../shared/ui/parts";
import { Verify } from "./Verify";

const PAGE = 50;

const SEVERITIES = ["", "info", "warning", "error"] as const;

/** The ledger's records of the person's own, with a proof for each. Its filters, and each record, have an address. */
export function Audit({ seq }: { seq: string }) {
  return /^\d{1,15}$/.test(seq) ? <One seq={Number(seq)} /> : <Timeline />;
}

function One({ seq }: { seq: number }) {
  const texts = useTexts();
  const page = useRead("/v1/ledger", { query: { limit: 1, below: seq + 1 } });
  const found = page.data?.items.filter((one) => one.seq === seq) ?? [];
  return (
    <div className="stack">
      <div className="row">
        <LinkButton href={to("governance", "audit")}>{texts.audit.whole}</LinkButton>
        {found[0]?.correlation_id != null && (
          <LinkButton href={`${to("governance", "audit")}?turn=${found[0].correlation_id}`}>{texts.audit.together}</LinkButton>
        )}
      </div>
      <Exports />
      <Trouble error={page.error} />
      {page.isPending && <Waiting />}
      {page.data !== undefined && found.length === 0 && <Empty title={texts.audit.unknownTitle} words={texts.audit.unknownWords} />}
      {found.length > 0 && <Records records={found} />}
    </div>
  );
}

function Timeline() {
  const texts = useTexts();
  const narrowed = useNarrowing();
  const [event, turn] = [narrowed.get("event") ?? "", narrowed.get("turn") ?? ""];
  const severity = SEVERITIES.find((one) => one === narrowed.get("severity")) ?? "";
  const [below, setBelow] = useState<number[]>([]);
  const asked = /^[0-9a-f-]{36}$/i.test(turn.trim()) ? { correlation_id: turn.trim() } : {};
  const last = below.at(-1);
  const filters = { ...(event === "" ? {} : { event_type: event.trim() }), ...(severity === "" ? {} : { severity }), ...asked };
  const page = useRead("/v1/ledger", { query: { limit: PAGE, ...(last === undefined ? {} : { below: last }), ...filters } });
  const found = page.data?.items ?? [];
  const next = page.data?.next ?? null;
  const anew = (part: Record<string, string>) => {
    setBelow([]);
    narrow({ event, severity, turn, ...part });
  };
  return (
    <div className="stack">
      <div className="filters">
        <TextField label={texts.audit.event} placeholder="gate.decision" value={event} onChange={(e) => anew({ event: e.target.value })} />
        <Choice
          label={texts.audit.severity}
          value={severity}
          options={SEVERITIES.map((one) => [one, one === "" ? texts.audit.all : texts.audit.severities[one]])}
          onChange={(chosen) => anew({ severity: chosen })}
        />
        <TextField label={texts.audit.correlation} value={turn} onChange={(e) => anew({ turn: e.target.value })} />
      </div>
      <Exports />
      <Trouble error={page.error} />
      {page.isPending && <Waiting lines={6} />}
      {page.data !== undefined && found.length === 0 && <Empty title={texts.audit.noneTitle} words={texts.audit.noneWords} />}
      {found.length > 0 && <Records records={found} />}
      <div className="row">
        {below.length > 0 && <Button onClick={() => setBelow(below.slice(0, -1))}>{texts.audit.newer}</Button>}
        {next !== null && <Button onClick={() => setBelow([...below, next])}>{texts.audit.older}</Button>}
      </div>
    </div>
  );
}

function Records({ records }: { records: readonly LedgerRecord[] }) {
  const texts = useTexts();
  return (
    <Table
      label={texts.governance.parts.audit}
      figures={[0]}
      heads={[texts.audit.number, texts.activity.at, texts.audit.what, texts.audit.details, texts.audit.proof]}
    >
      {records.map((one) => (
        <Row key={one.seq} record={one} />
      ))}
    </Table>
  );
}

const TONES: Record<string, Tone> = { warning: "wait", error: "bad" };

function Row({ record }: { record: LedgerRecord }) {
  const format = useFormat();
  const details = Object.entries(record.details).filter(([, value]) => value !== null && value !== "");
  return (
    <tr>
      <td className="figure">
        <a href={to("governance", "audit", String(record.seq))}>{record.seq}</a>
      </td>
      <td>{format.moment(record.created_at)}</td>
      <td>
        <code>{record.event_type}</code>
        <p className="row small">
          <Badge tone={TONES[record.severity] ?? ""}>{record.severity}</Badge>
          <span className="quiet">{record.actor}</span>
        </p>
      </td>
      <td>
        <span className="details">
          {details.map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`).join(" · ")}
        </span>
      </td>
      <td>
        <Verify seq={record.seq} />
      </td>
    </tr>
  );
}

function Exports() {
  const texts = useTexts();
  const api = useApi();
  const [error, setError] = useState<unknown>(null);
  const fetched = async (format: "jsonl" | "csv") => {
    try {
      save(await api.file(`/v1/ledger/export?format=${format}`), `ledger.${format}`);
      setError(null);
    } catch (failed) {
      setError(failed);
    }
  };
  return (
    <>
      <div className="row">
        <Button onClick={() => void fetched("jsonl")}>{texts.audit.exportJson}</Button>
        <Button onClick={() => void fetched("csv")}>{texts.audit.exportCsv}</Button>
        <span className="quiet small">{texts.audit.exportWords}</span>
      </div>
      <Trouble error={error} />
    </>
  );
}
