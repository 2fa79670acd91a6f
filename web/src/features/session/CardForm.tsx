import { useState, type FormEvent, type ReactNode } from "react";

import { useTexts } from "../../shared/i18n";
import { Button, TextField, Trouble } from "../../shared/ui/parts";

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
  const [error, setError] = useState<unknown>(null);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setBusy(true);
    setError(null);
    try {
      await onSubmit((name) => String(given.get(name) ?? ""));
    } catch (failed) {
      setError(failed);
    } finally {
      setBusy(false);
    }
  };

  return (
    <form className="card stack" onSubmit={(event) => void submit(event)}>
      <h1>{title}</h1>
      {notice !== "" && (
        <p className="notice" role="status">
          {notice}
        </p>
      )}
      {fields.map((field, place) => (
        <TextField key={field.name} {...field} required autoFocus={place === 0} />
      ))}
      <Trouble error={error} />
      <Button kind="main" type="submit" disabled={busy}>
        {busy ? texts.working : action}
      </Button>
      {children}
    </form>
  );
}
