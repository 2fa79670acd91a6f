import { useState, type FormEvent } from "react";

import { Refused, signIn } from "../../backend/client";
import type { Session } from "../../backend/types";
import { useTexts } from "../../shared/i18n";

interface Props {
  notice: string;
  onSignedIn: (session: Session) => void;
}

/** E-mail and password; the token stays in this page's memory only. */
export function SignIn({ notice, onSignedIn }: Props) {
  const texts = useTexts();
  const [busy, setBusy] = useState(false);
  const [problem, setProblem] = useState(notice);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    setBusy(true);
    setProblem("");
    try {
      onSignedIn(await signIn(String(given.get("email")), String(given.get("password"))));
    } catch (error) {
      setProblem(error instanceof Refused ? error.message : texts.unreachable);
      setBusy(false);
    }
  };

  return (
    <form className="card sign-in" onSubmit={(event) => void submit(event)}>
      <h2>{texts.signIn}</h2>
      <label>
        {texts.email}
        <input name="email" type="email" autoComplete="username" required autoFocus />
      </label>
      <label>
        {texts.password}
        <input name="password" type="password" autoComplete="current-password" required />
      </label>
      <p className="problem" role="alert">
        {problem}
      </p>
      <button disabled={busy}>{busy ? texts.signingIn : texts.signIn}</button>
    </form>
  );
}
