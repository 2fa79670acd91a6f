import { useState } from "react";

import { useChange, useRead } from "../../backend/hooks";
import type { Template } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { go, to } from "../../shared/router";
import { Dialog } from "../../shared/ui/Dialog";
import { Button, TextField, Trouble, Waiting } from "../../shared/ui/parts";
import { useToast } from "../../shared/ui/Toasts";

/** What an agent can begin as. One choice, one name, and its first conversation is open. */
export function Templates() {
  const texts = useTexts();
  const templates = useRead("/v1/templates");
  const [chosen, setChosen] = useState<Template>();
  return (
    <>
      <Trouble error={templates.error} />
      {templates.isPending && <Waiting lines={4} />}
      <ul className="templates">
        {templates.data?.items.map((one) => (
          <li key={one.template} className="card stack">
            <h2>{one.title}</h2>
            <p className="quiet">{one.usage}</p>
            <div className="row last">
              <Button onClick={() => setChosen(one)}>{texts.agents.take(one.title)}</Button>
            </div>
          </li>
        ))}
      </ul>
      {chosen !== undefined && <NameIt template={chosen} onClose={() => setChosen(undefined)} />}
    </>
  );
}

function NameIt({ template, onClose }: { template: Template; onClose: () => void }) {
  const texts = useTexts();
  const toast = useToast();
  const [name, setName] = useState(template.agent.profile.name);
  const create = useChange(
    (api, called: string) => {
      const { agent } = template;
      return api.post("/v1/agents", { body: { ...agent, profile: { ...agent.profile, name: called } } });
    },
    ["/v1/agents"],
    (made) => {
      toast(texts.agents.created(name));
      go("chat", made.jid);
    },
  );
  return (
    <Dialog title={texts.agents.nameTitle} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault();
          create.mutate(name.trim());
        }}
      >
        <TextField
          label={texts.agents.name}
          hint={texts.agents.nameHint}
          value={name}
          onChange={(event) => setName(event.target.value)}
          required
          maxLength={100}
          autoFocus
        />
        <Trouble error={create.error} />
        <div className="row">
          <Button kind="main" type="submit" disabled={create.isPending || name.trim() === ""}>
            {create.isPending ? texts.working : texts.agents.createAndTalk}
          </Button>
          <Button onClick={onClose}>{texts.cancel}</Button>
        </div>
      </form>
      <p className="quiet small">
        <a href={to("agents", "blank")}>{texts.agents.blank}</a>
      </p>
    </Dialog>
  );
}
