import { useState } from "react";

import { useRead } from "../../backend/hooks";
import { lastDays, summed, useUse } from "../../backend/use";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { to } from "../../shared/router";
import { Badge, Choice, Empty, Table, Trouble, Waiting } from "../../shared/ui/parts";
import { Spark } from "../../shared/ui/Spark";

const SHOWN = 5;
/** From here on a limit is near its end, as in the hub's own notices. */
const NEAR = 0.8;
const SPANS = ["1", "7", "30"] as const;

/** Turns, tokens and estimated cost: by agent, by person and by day. */
export function Usage() {
  const texts = useTexts();
  const [span, setSpan] = useState<(typeof SPANS)[number]>("7");
  const days = Number(span);
  const use = useUse(days);
  if (use.data === undefined) return use.error === null ? <Waiting lines={5} /> : <Trouble error={use.error} />;
  return (
    <div className="stack">
      <div className="filters">
        <Choice
          label={texts.usage.span}
          value={span}
          options={SPANS.map((one) => [one, texts.usage.days(Number(one))])}
          onChange={setSpan}
        />
      </div>
      {use.data.by_day.length === 0 ? (
        <Empty title={texts.usage.noneTitle} words={texts.usage.noneWords} />
      ) : (
        <>
          <Limits />
          <ByAgent days={days} />
          <ByPerson days={days} />
          {days > 1 && <ByDay days={days} />}
          <p className="quiet small">
            {texts.usage.estimate} <a href={`${to("governance", "audit")}?severity=warning`}>{texts.usage.violations}</a>
          </p>
        </>
      )}
    </div>
  );
}

/** How far today's limits are used up, by those agents that have used most. */
function Limits() {
  const texts = useTexts();
  const today = useUse(1).data?.by_day ?? [];
  const most = [...today].sort((a, b) => b.tokens_used - a.tokens_used).slice(0, SHOWN);
  if (most.length === 0) return null;
  return (
    <section className="card stack">
      <h2>{texts.usage.limits}</h2>
      {most.map((one) => (
        <Limit key={one.agent_id} agentId={one.agent_id} used={one.tokens_used} />
      ))}
    </section>
  );
}

function Limit({ agentId, used }: { agentId: string; used: number }) {
  const texts = useTexts();
  const format = useFormat();
  const agent = useRead("/v1/agents/{agent_id}", { path: { agent_id: agentId } });
  const most = agent.data?.governance.max_tokens_per_day;
  if (agent.data === undefined || most === undefined) return null;
  const words = texts.usage.of(format.number(used), format.number(most));
  const near = used >= most * NEAR;
  return (
    <div className="stack tight">
      <div className="row spread">
        <span>{agent.data.profile.name}</span>
        <span className="row quiet small">
          {near && <Badge tone={used >= most ? "bad" : "wait"}>{used >= most ? texts.usage.full : texts.usage.near}</Badge>}
          {words}
        </span>
      </div>
      <meter className="bar" aria-label={`${agent.data.profile.name}: ${words}`} value={used} max={most} high={most * NEAR} optimum={0} />
    </div>
  );
}

function Figures({ turns, tokens, cost }: { turns: number; tokens: number; cost: number | null }) {
  const format = useFormat();
  return (
    <>
      <td className="figure">{format.number(turns)}</td>
      <td className="figure">{format.number(tokens)}</td>
      <td className="figure">{format.money(cost)}</td>
    </>
  );
}

function ByAgent({ days }: { days: number }) {
  const texts = useTexts();
  const use = useUse(days);
  const agents = useRead("/v1/agents", { query: { limit: 200 } });
  const names = new Map(agents.data?.items.map((one) => [one.agent_id, one.profile.name]));
  const rows = use.data?.by_day ?? [];
  const found = [...new Set(rows.map((one) => one.agent_id))].map((id) => ({ id, rows: rows.filter((one) => one.agent_id === id) }));
  const sorted = found.sort((a, b) => summed(b.rows).tokens - summed(a.rows).tokens);
  return (
    <Table
      label={texts.usage.byAgent}
      figures={[1, 2, 3]}
      heads={[texts.usage.agent, texts.usage.turns, texts.activity.tokens, texts.usage.cost, texts.usage.course]}
    >
      {sorted.map((one) => (
        <tr key={one.id}>
          <td>{names.get(one.id) ?? texts.usage.gone}</td>
          <Figures {...summed(one.rows)} />
          <td>
            <Spark
              label={texts.usage.courseOf(days)}
              figures={lastDays(days).map((day) => one.rows.find((row) => row.day === day)?.tokens_used ?? 0)}
            />
          </td>
        </tr>
      ))}
    </Table>
  );
}

function ByPerson({ days }: { days: number }) {
  const texts = useTexts();
  const format = useFormat();
  const use = useUse(days);
  return (
    <Table
      label={texts.usage.byPerson}
      figures={[1, 2, 3, 4]}
      heads={[texts.usage.person, texts.usage.turns, texts.activity.tokens, texts.usage.cost, texts.usage.refused]}
    >
      {use.data?.by_person.map((one) => (
        <tr key={one.subject_jid}>
          <td>{one.subject_jid}</td>
          <Figures turns={one.turns} tokens={one.tokens_used} cost={one.cost_nanousd} />
          <td className="figure">{format.number(one.refused)}</td>
        </tr>
      ))}
    </Table>
  );
}

function ByDay({ days }: { days: number }) {
  const texts = useTexts();
  const format = useFormat();
  const use = useUse(days);
  const rows = use.data?.by_day ?? [];
  const found = lastDays(days).filter((day) => rows.some((one) => one.day === day));
  return (
    <Table
      label={texts.usage.byDay}
      figures={[1, 2, 3]}
      heads={[texts.usage.day, texts.usage.turns, texts.activity.tokens, texts.usage.cost]}
    >
      {found.reverse().map((day) => (
        <tr key={day}>
          <td>{format.date(day)}</td>
          <Figures {...summed(rows.filter((one) => one.day === day))} />
        </tr>
      ))}
    </Table>
  );
}
