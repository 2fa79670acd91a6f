import { useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { AskFirst } from "../../shared/ui/Dialog";
import { Badge, Button, Empty, TextField, Trouble, Waiting } from "../../shared/ui/parts";

const PATH = "/v1/agents/{agent_id}/memories";

/** What the agent remembers about who reads; others' memories are theirs. */
export function Memories({ agentId }: { agentId: string }) {
  const texts = useTexts();
  const format = useFormat();
  const [told, setTold] = useState("");
  const [asks, setAsks] = useState(false);
  const path = { agent_id: agentId };
  const memories = useRead(PATH, { path });
  const tell = useChange(
    (api, content: string) => api.post(PATH, { path, body: { content } }),
    [PATH],
    () => setTold(""),
  );
  const forget = useChange(
    (api, id: string) =>
      api.delete("/v1/agents/{agent_id}/memories/{memory_id}", { path: { ...path, memory_id: id } }),
    [PATH],
  );
  const forgetAll = useChange((api, _: void) => api.delete(PATH, { path }), [PATH], () => setAsks(false));
  const found = memories.data?.items ?? [];
  return (
    <div className="stack">
      <form
        className="card stack"
        onSubmit={(event) => {
          event.preventDefault();
          tell.mutate(told.trim());
        }}
      >
        <TextField
          label={texts.memories.tell}
          hint={texts.memories.tellHint}
          value={told}
          maxLength={2000}
          onChange={(event) => setTold(event.target.value)}
        />
        <div className="row">
          <Button kind="main" type="submit" disabled={tell.isPending || told.trim() === ""}>
            {texts.memories.remember}
          </Button>
        </div>
      </form>
      <Trouble error={memories.error ?? tell.error ?? forget.error} />
      {memories.isPending && <Waiting />}
      {memories.data !== undefined && found.length === 0 && (
        <Empty title={texts.memories.noneTitle} words={texts.memories.noneWords} />
      )}
      {found.length > 0 && (
        <section className="card">
          <ul className="list">
            {found.map((one) => (
              <li key={one.id} className="row spread">
                <div className="grow">
                  <p>{one.content}</p>
                  <p className="row quiet small">
                    <Badge>{one.kind}</Badge>
                    {format.moment(one.created_at)}
                  </p>
                </div>
                <Button compact kind="danger" disabled={forget.isPending} onClick={() => forget.mutate(one.id)}>
                  {texts.memories.forget}
                </Button>
              </li>
            ))}
          </ul>
          <Button kind="danger" onClick={() => setAsks(true)}>
            {texts.memories.forgetAll}
          </Button>
        </section>
      )}
      {asks && (
        <AskFirst
          title={texts.memories.forgetAll}
          words={texts.memories.forgetAllWords}
          action={texts.memories.forgetAll}
          busy={forgetAll.isPending}
          error={forgetAll.error}
          onYes={() => forgetAll.mutate()}
          onNo={() => setAsks(false)}
        />
      )}
    </div>
  );
}
