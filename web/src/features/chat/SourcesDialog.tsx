import { useRead } from "../../backend/hooks";
import { useTexts } from "../../shared/i18n";
import { Dialog } from "../../shared/ui/Dialog";
import { Button, Trouble, Waiting } from "../../shared/ui/parts";
import type { TurnData } from "./messages";

/** The passages that an answer rests on, as the hub keeps them. */
export function SourcesDialog({ agentId, turn, onClose }: { agentId: string; turn: TurnData; onClose: () => void }) {
  const texts = useTexts();
  const found = useRead("/v1/agents/{agent_id}/sources", { path: { agent_id: agentId }, query: { turn_id: turn.id } });
  return (
    <Dialog title={texts.chat.sourcesTitle} onClose={onClose}>
      <Trouble error={found.error} />
      {found.isPending && <Waiting />}
      <ul className="list">
        {found.data?.sources.map((one) => (
          <li key={one.memory_id} className="stack tight">
            <h3>
              {one.title}
              {one.section !== "" && <span className="quiet"> · {one.section}</span>}
            </h3>
            <p>{one.content}</p>
          </li>
        ))}
      </ul>
      <div className="row">
        <Button onClick={onClose}>{texts.close}</Button>
      </div>
    </Dialog>
  );
}
