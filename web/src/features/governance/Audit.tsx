import { useState } from "react";

import { useApi, useRead } from "../../backend/hooks";
import type { LedgerRecord } from "../../backend/types";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { save } from "../../shared/save";
import { Badge, Button, Choice, Empty, Table, TextField, Trouble, Waiting, type Tone } from "../../shared/ui/parts";
import { Verify } from "./Verify";

const PAGE = 50;

/** The ledger's records of the person's own, with a proof for each. */
export function Audit() {
  const texts = useTexts();
  const [event, setEvent] = useState("");
  const [severity, setSeverity] = useState<"" | "info" | "warning" | "critical">("");
  const [turn, setTurn] = useState("");
  const [below, setBelow] = useState<number[]>([]);
  const asked = /^[0-9a-f-]{36}$/i.test(turn.trim()) ? { correlation_id: turn.trim() } : {};
  const last = below.at(-1);
  const filters = { ...(event === "" ? {} : { event_type: event.trim() }), ...(severity === "" ? {} : { severity }), ...asked };
  const page = useRead("/v1/ledger", { query: { limit: PAGE, ...(last === undefined ? {} : { below: last }), ...filters } });
  const found = page.data?.items ?? [];
  const next = page.data?.next ?? null;
  const anew = <T,>(set: (value: T) => void) => (value: T) => {
    setBelow([]);
    set(value);
  };
  return (
    <div className="stack">
      <div className="filters">
        <TextField label={texts.audit.event} placeholder="gate.decision" value={event} onChange={(e) => anew(setEvent)(e.target.value)} />
        <Choice
          label={texts.audit.severity}
          value={severity}
          options={[
            ["", texts.audit.all],
            ["info", texts.audit.severities.info],
            ["warning", texts.audit.severities.warning],
            ["critical", texts.audit.severities.critical],
          ]}
          onChange={anew(setSeverity)}
        />
        <TextField label={texts.audit.correlation} value={turn} onChange={(e) => anew(setTurn)(e.target.value)} />
      </div>
      <Exports />
      <Trouble error={page.error} />
      {page.isPending && <Waiting lines={6} />}
      {page.data !== undefined && found.length === 0 && <Empty title={texts.audit.noneTitle} words={texts.audit.noneWords} />}
      {found.length > 0 && (
        <Table
          label={texts.governance.parts.audit}
          heads={[texts.audit.number, texts.activity.at, texts.audit.what, texts.audit.details, texts.audit.proof]}
        >
          {found.map((one) => (
            <Row key={one.seq} record={one} />
          ))}
        </Table>
      )}
      <div className="row">
        {below.length > 0 && <Button onClick={() => setBelow(below.slice(0, -1))}>{texts.audit.newer}</Button>}
        {next !== null && <Button onClick={() => setBelow([...below, next])}>{texts.audit.older}</Button>}
      </div>
    </div>
  );
}

const TONES: Record<string, Tone> = { warning: "wait", error: "bad", critical: "bad" };

function Row({ record }: { record: LedgerRecord }) {
  const format = useFormat();
  const details = Object.entries(record.details).filter(([, value]) => value !== null && value !== "");
  return (
    <tr>
      <td className="figure">{record.seq}</td>
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
