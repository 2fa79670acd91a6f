import { useState, type FormEvent, type ReactNode } from "react";

import { useChange, useRead, useSigned } from "../../backend/hooks";
import { useTexts } from "../../shared/i18n";
import { Button, TextField, Trouble, Waiting } from "../../shared/ui/parts";
import { Templates } from "./Templates";

const STEPS = ["home", "model", "agent"] as const;
type Step = (typeof STEPS)[number];

/** The way to the first agent: for whom, with which model, as what. It goes on where it was left. */
export function FirstRun() {
  const texts = useTexts();
  const { step, reach, stand } = useStep();
  if (step === undefined) return <Waiting lines={4} />;
  const at = STEPS.indexOf(step);
  return (
    <div className="stack first-run">
      <p className="quiet prose">{texts.firstRun.words}</p>
      <ol className="steps" aria-label={texts.firstRun.title}>
        {STEPS.map((one, place) => (
          <li key={one} aria-current={one === step ? "step" : undefined} className={place < at ? "done" : ""}>
            {place < at ? (
              <button type="button" onClick={() => reach(one)}>
                {texts.firstRun.steps[one]}
              </button>
            ) : (
              texts.firstRun.steps[one]
            )}
          </li>
        ))}
      </ol>
      {step === "home" && <Home standing={stand.organisation} onNext={() => reach("model")} />}
      {step === "model" && <Model onNext={() => reach("agent")} />}
      {step === "agent" && (
        <>
          <p className="quiet prose">{texts.agents.noneWords}</p>
          <Templates />
        </>
      )}
    </div>
  );
}

/** Where the person is: what the hub has of theirs counts, and what they have passed over in this browser. */
function useStep(): { step: Step | undefined; reach: (step: Step) => void; stand: { organisation: string } } {
  const { session } = useSigned();
  const key = `aiox-first-run-${session.user_id}`;
  const [reached, setReached] = useState<Step | undefined>(() => STEPS.find((one) => one === kept(key)));
  const organisations = useRead("/v1/organisations");
  const credentials = useRead("/v1/credentials");
  const organisation = organisations.data?.items[0]?.name ?? "";
  const reach = (step: Step) => {
    keep(key, step);
    setReached(step);
  };
  const known = organisations.isSuccess && credentials.isSuccess;
  const own = credentials.data?.items.some((one) => one.kind === "llm" && one.level === "owner") ?? false;
  const found: Step | undefined = !known ? undefined : own ? "agent" : organisation === "" ? "home" : "model";
  return { step: reached ?? found, reach, stand: { organisation } };
}

function kept(key: string): string {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return "";
  }
}

function keep(key: string, step: Step): void {
  try {
    localStorage.setItem(key, step);
  } catch {
    // A browser that keeps nothing: the hub's own knowledge is the way back.
  }
}

function Home({ standing, onNext }: { standing: string; onNext: () => void }) {
  const texts = useTexts();
  const [name, setName] = useState("");
  const make = useChange(
    (api, called: string) => api.post("/v1/organisations", { body: { name: called } }),
    ["/v1/organisations"],
    onNext,
  );
  return (
    <div className="ways">
      <Way title={texts.firstRun.alone} words={texts.firstRun.aloneWords}>
        <Button kind="main" onClick={onNext}>
          {standing === "" ? texts.firstRun.forMyself : texts.firstRun.goOnWith(standing)}
        </Button>
      </Way>
      <Way
        title={texts.firstRun.together}
        words={texts.organisations.noneWords}
        onSubmit={() => make.mutate(name.trim())}
      >
        <TextField label={texts.organisations.name} value={name} maxLength={100} onChange={(event) => setName(event.target.value)} />
        <Trouble error={make.error} />
        <Button type="submit" disabled={make.isPending || name.trim() === ""}>
          {texts.organisations.found}
        </Button>
      </Way>
    </div>
  );
}

function Model({ onNext }: { onNext: () => void }) {
  const texts = useTexts();
  const [provider, setProvider] = useState("openai");
  const [secret, setSecret] = useState("");
  const [refusal, setRefusal] = useState("");
  const put = useChange(
    (api, mode: "custom" | "disabled") =>
      api.put("/v1/credentials/{kind}/{provider}", {
        path: { kind: "llm", provider: provider.trim() },
        body: mode === "custom" ? { mode, secret } : { mode },
      }),
    ["/v1/credentials"],
    (done, mode) => {
      const proven = mode === "disabled" || done.status === "valid"; // the hub has tested it
      setRefusal(proven ? "" : texts.firstRun.unproven(done.reason));
      if (proven) onNext();
    },
  );
  return (
    <div className="ways">
      <Way title={texts.firstRun.hubs} words={texts.firstRun.hubsWords}>
        <Button kind="main" onClick={onNext}>
          {texts.firstRun.useHubs}
        </Button>
      </Way>
      <Way title={texts.firstRun.own} words={texts.credentials.noneWords} onSubmit={() => put.mutate("custom")}>
        <TextField label={texts.credentials.provider} value={provider} onChange={(event) => setProvider(event.target.value)} required />
        <TextField
          label={texts.credentials.secret}
          type="password"
          autoComplete="off"
          value={secret}
          onChange={(event) => setSecret(event.target.value)}
        />
        <Trouble error={put.error ?? refusal} />
        <Button type="submit" disabled={put.isPending || provider.trim() === "" || secret === ""}>
          {put.isPending ? texts.working : texts.credentials.save}
        </Button>
        {refusal !== "" && (
          <Button kind="plain" onClick={onNext}>
            {texts.firstRun.goOn}
          </Button>
        )}
      </Way>
      <Way title={texts.firstRun.none} words={texts.firstRun.noneWords}>
        <Button disabled={put.isPending || provider.trim() === ""} onClick={() => put.mutate("disabled")}>
          {texts.firstRun.forbid(provider.trim())}
        </Button>
      </Way>
    </div>
  );
}

interface WayProps {
  title: string;
  words: string;
  onSubmit?: () => void;
  children: ReactNode;
}

function Way({ title, words, onSubmit, children }: WayProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onSubmit?.();
  };
  return (
    <form className="card stack" onSubmit={submit}>
      <h2>{title}</h2>
      <p className="quiet">{words}</p>
      <div className="stack last">{children}</div>
    </form>
  );
}
