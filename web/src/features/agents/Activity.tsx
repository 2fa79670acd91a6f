import { useRead } from "../../backend/hooks";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { Badge, Empty, Table, Trouble, Waiting } from "../../shared/ui/parts";

/** The agent's last turns: who, what came of it, how long, what it used. No texts. */
export function Activity({ agentId }: { agentId: string }) {
  const texts = useTexts();
  const format = useFormat();
  const turns = useRead("/v1/agents/{agent_id}/executions", { path: { agent_id: agentId }, query: { limit: 100 } });
  const found = turns.data?.items ?? [];
  if (turns.data === undefined) return turns.error === null ? <Waiting lines={5} /> : <Trouble error={turns.error} />;
  if (found.length === 0) return <Empty title={texts.activity.noneTitle} words={texts.activity.noneWords} />;
  return (
    <Table
      label={texts.agents.parts.activity}
      figures={[3, 4, 5, 7]}
      heads={[
        texts.activity.at,
        texts.activity.who,
        texts.activity.outcome,
        texts.activity.platform,
        texts.activity.worker,
        texts.activity.tokens,
        texts.activity.model,
        texts.activity.cost,
      ]}
    >
      {found.map((one) => (
        <tr key={one.id}>
          <td>{format.moment(one.created_at)}</td>
          <td>{one.subject_jid}</td>
          <td>
            <Badge tone={one.outcome.toLowerCase() === "answered" ? "good" : "wait"}>{one.outcome}</Badge>
          </td>
          <td className="figure">{format.number(one.platform_latency_ms)}</td>
          <td className="figure">{format.number(one.worker_latency_ms)}</td>
          <td className="figure">{format.number(one.tokens_used)}</td>
          <td>{one.model}</td>
          <td className="figure">{format.money(one.cost_nanousd)}</td>
        </tr>
      ))}
    </Table>
  );
}
