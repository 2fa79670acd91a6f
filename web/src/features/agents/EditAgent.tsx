import { useState } from "react";
import { useQuery } from "@tanstack/react-query";

import { useApi, useChange } from "../../backend/hooks";
import type { AgentOut } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { Button, Trouble, Waiting } from "../../shared/ui/parts";
import { useToast } from "../../shared/ui/Toasts";
import { AgentForm } from "./AgentForm";
import { faultsOf, fieldsOf, type Fields } from "./fields";

const STALE = ["/v1/agents", "/v1/agents/{agent_id}", "/v1/agents/{agent_id}/diff", "/v1/agents/{agent_id}/versions"] as const;

/** Changes an agent: into its draft, which nobody meets before it is published. */
export function EditAgent({ agent }: { agent: AgentOut }) {
  const api = useApi();
  const id = agent.agent_id;
  const began = useQuery({
    queryKey: ["edit", id, agent.revision],
    queryFn: async ({ signal }) => {
      let tag = "";
      const given = { path: { agent_id: id }, signal, onTag: (etag: string) => void (tag = etag) };
      const found = agent.has_draft
        ? await api.get("/v1/agents/{agent_id}/draft", given)
        : await api.get("/v1/agents/{agent_id}", given);
      return { fields: fieldsOf(found), tag };
    },
    staleTime: Infinity,
  });
  if (began.data === undefined) return began.error === null ? <Waiting lines={6} /> : <Trouble error={began.error} />;
  return <Editing key={began.data.tag} agent={agent} from={began.data.fields} tag={began.data.tag} />;
}

function Editing({ agent, from, tag }: { agent: AgentOut; from: Fields; tag: string }) {
  const texts = useTexts();
  const toast = useToast();
  const [fields, setFields] = useState(from);
  const id = agent.agent_id;
  const changed = fields !== from;
  const faulty = Object.keys(faultsOf(fields, texts)).length > 0;
  const put = { path: { agent_id: id }, body: fields, ifMatch: tag };

  const save = useChange(
    (api, _: void) => api.put("/v1/agents/{agent_id}", put),
    STALE,
    () => toast(texts.agents.saved),
  );
  const publish = useChange(
    async (api, _: void) => {
      if (changed) await api.put("/v1/agents/{agent_id}", put);
      return api.post("/v1/agents/{agent_id}/publish", { path: { agent_id: id }, body: {} });
    },
    STALE,
    (done) => toast(texts.agents.published(done.version)),
  );
  const discard = useChange(
    (api, _: void) => api.delete("/v1/agents/{agent_id}/draft", { path: { agent_id: id } }),
    STALE,
    () => toast(texts.agents.discarded),
  );
  const busy = save.isPending || publish.isPending || discard.isPending;
  return (
    <AgentForm
      fields={fields}
      onChange={setFields}
      error={save.error ?? publish.error ?? discard.error}
      actions={
        <>
          <Button kind="main" disabled={busy || faulty || !(changed || agent.has_draft)} onClick={() => publish.mutate()}>
            {texts.agents.publish(agent.version + 1)}
          </Button>
          <Button disabled={busy || faulty || !changed} onClick={() => save.mutate()}>
            {texts.agents.save}
          </Button>
          {agent.has_draft && (
            <Button kind="danger" disabled={busy} onClick={() => discard.mutate()}>
              {texts.agents.discard}
            </Button>
          )}
        </>
      }
    />
  );
}
