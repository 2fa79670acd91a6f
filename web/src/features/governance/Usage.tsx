import { useState } from "react";

import { useRead } from "../../backend/hooks";
import type { AgentInList } from "../../backend/types";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { Choice, Empty, Table, Trouble, Waiting } from "../../shared/ui/parts";

const SPANS = ["1", "7", "30"] as const;

/** Turns, tokens and estimated cost of each agent. */
export function Usage() {
  const texts = useTexts();
  const [span, setSpan] = useState<(typeof SPANS)[number]>("7");
  const agents = useRead("/v1/agents", { query: { limit: 200 } });
  if (agents.data === undefined) return agents.error === null ? <Waiting /> : <Trouble error={agents.error} />;
  if (agents.data.items.length === 0) return <Empty title={texts.agents.noneTitle} words={texts.usage.noneWords} />;
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
      <Table
        label={texts.governance.parts.usage}
        heads={[texts.usage.agent, texts.usage.turns, texts.activity.tokens, texts.usage.cost, texts.usage.models]}
      >
        {agents.data.items.map((one) => (
          <Row key={one.agent_id} agent={one} days={Number(span)} />
        ))}
      </Table>
      <p className="quiet small">{texts.usage.estimate}</p>
    </div>
  );
}

function Row({ agent, days }: { agent: AgentInList; days: number }) {
  const format = useFormat();
  const texts = useTexts();
  const use = useRead("/v1/agents/{agent_id}/usage", { path: { agent_id: agent.agent_id }, query: { days } });
  const items = use.data?.items ?? [];
  const sum = (of: (one: (typeof items)[number]) => number) => items.reduce((all, one) => all + of(one), 0);
  const unpriced = sum((one) => one.unpriced_turns);
  if (use.data === undefined) {
    return (
      <tr>
        <td>{agent.profile.name}</td>
        <td colSpan={4}>{use.error === null ? <div className="skeleton" /> : <Trouble error={use.error} />}</td>
      </tr>
    );
  }
  return (
    <tr>
      <td>{agent.profile.name}</td>
      <td className="figure">{format.number(sum((one) => one.turns))}</td>
      <td className="figure">{format.number(sum((one) => one.tokens_used))}</td>
      <td className="figure">
        {format.money(items.some((one) => one.cost_nanousd !== null) ? sum((one) => one.cost_nanousd ?? 0) : null)}
        {unpriced > 0 && <p className="quiet small">{texts.usage.unpriced(unpriced)}</p>}
      </td>
      <td>{items.map((one) => one.model).join(", ")}</td>
    </tr>
  );
}
