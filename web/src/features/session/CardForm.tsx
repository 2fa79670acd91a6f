import { useState, type FormEvent, type ReactNode } from "react";

import { Refused } from "../../backend/client";
import { useTexts } from "../../shared/i18n";

export interface Field {
  name: string;
  label: string;
  type: "email" | "password" | "text";
  autoComplete: string;
  minLength?: number;
}

interface Props {
  title: string;
  notice?: string;
  fields: Field[];
  action: string;
  /** Throws what the hub said. */
  onSubmit: (given: (name: string) => string) => Promise<void>;
  children?: ReactNode;
}

/** A card with one form: says what went wrong, and stays. */
export function CardForm({ title, notice = "", fields, action, onSubmit, children }: Props) {
  const texts = useTexts();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState("");

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setBusy(true);
    setProblem("");
    try {
      await onSubmit((name) => String(given.get(name) ?? ""));
    } catch (error) {
      setProblem(error instanceof Refused ? error.message : texts.unreachable);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form className="card sign-in" onSubmit={(event) => void submit(event)}>
      <h2>{title}</h2>
      {notice !== "" && <p role="status">{notice}</p>}
      {fields.map((field, place) => (
        <label key={field.name}>
          {field.label}
          <input
            name={field.name}
            type={field.type}
            autoComplete={field.autoComplete}
            minLength={field.minLength}
            required
            autoFocus={place === 0}
          />
        </label>
      ))}
      <p className="problem" role="alert">
        {problem}
      </p>
      <button disabled={busy}>{busy ? texts.working : action}</button>
      {children}
    </form>
  );
}
