import { useState } from "react";

import { useChange } from "../../backend/hooks";
import { useTexts } from "../../shared/i18n";
import { go, to } from "../../shared/router";
import { Button, LinkButton } from "../../shared/ui/parts";
import { AgentForm } from "./AgentForm";
import "./agents.css";
import { faultsOf, fresh, type Fields } from "./fields";
import { Templates } from "./Templates";

/** A new agent: from a template, or field by field. */
export default function NewAgentScreen({ blank }: { blank: boolean }) {
  const texts = useTexts();
  return (
    <div className="screen">
      <header>
        <h1>{texts.agents.newTitle}</h1>
        {blank ? (
          <LinkButton href={to("agents", "new")}>{texts.agents.fromTemplate}</LinkButton>
        ) : (
          <LinkButton href={to("agents", "blank")}>{texts.agents.blank}</LinkButton>
        )}
      </header>
      {blank ? <Blank /> : <Templates />}
    </div>
  );
}

function Blank() {
  const texts = useTexts();
  const [fields, setFields] = useState<Fields>(fresh);
  const create = useChange(
    (api, made: Fields) => api.post("/v1/agents", { body: made }),
    ["/v1/agents"],
    (made) => go("agents", made.agent_id),
  );
  return (
    <AgentForm
      fields={fields}
      onChange={setFields}
      error={create.error}
      actions={
        <Button
          kind="main"
          disabled={create.isPending || Object.keys(faultsOf(fields, texts)).length > 0}
          onClick={() => create.mutate(fields)}
        >
          {texts.agents.create}
        </Button>
      }
    />
  );
}
