import { useFollowed } from "../../backend/live";
import type { WorkerList } from "../../backend/types";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { Badge, Table, Waiting, type Tone } from "../../shared/ui/parts";

const TONES: Record<string, Tone> = { healthy: "good", degraded: "wait", draining: "wait", unavailable: "bad" };

/** Who thinks for the agents, and what waits for them. */
export function Workers() {
  const texts = useTexts();
  const format = useFormat();
  const found = useFollowed<WorkerList>("/v1/workers");
  if (found === undefined) return <Waiting />;
  const { queue, items } = found;
  return (
    <div className="stack">
      <dl className="facts card">
        <dt>{texts.workers.depth}</dt>
        <dd>{format.number(queue.depth)}</dd>
        <dt>{texts.workers.oldest}</dt>
        <dd>{texts.workers.seconds(format.number(Math.round(queue.oldest_wait_s)))}</dd>
        <dt>{texts.workers.busy}</dt>
        <dd>{texts.workers.places(queue.busy, queue.places)}</dd>
      </dl>
      <Table
        label={texts.governance.parts.workers}
        figures={[3, 4, 5]}
        heads={[texts.workers.worker, texts.workers.pool, texts.workers.status, texts.workers.active, texts.workers.latency, texts.workers.memory, texts.workers.heard]}
      >
        {items.map((one) => (
          <tr key={one.worker_id}>
            <td>{one.worker_id}</td>
            <td>{one.pool}</td>
            <td>
              <Badge tone={TONES[one.status] ?? ""}>{texts.workers.states[one.status]}</Badge>
            </td>
            <td className="figure">{texts.workers.places(one.active, one.capacity)}</td>
            <td className="figure">{format.number(Math.round(one.mean_latency_ms))} ms</td>
            <td className="figure">{format.bytes(one.memory_bytes)}</td>
            <td>{format.moment(one.last_heartbeat)}</td>
          </tr>
        ))}
      </Table>
    </div>
  );
}
