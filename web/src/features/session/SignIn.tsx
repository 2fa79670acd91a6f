import { useState } from "react";

import { Refused } from "../../backend/ask";
import { signIn } from "../../backend/session";
import type { Session } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { Button } from "../../shared/ui/parts";
import { CardForm, type Field } from "./CardForm";

interface Props {
  notice: string;
  onSignedIn: (session: Session) => void;
  onSignUp: () => void;
  onForgotten: () => void;
}

/** E-mail and password, and a code when the hub asks for one. The access token stays in this page's memory only. */
export function SignIn({ notice, onSignedIn, onSignUp, onForgotten }: Props) {
  const texts = useTexts();
  const [needsCode, setNeedsCode] = useState(false);
  const fields: Field[] = [
    { name: "email", label: texts.email, type: "email", autoComplete: "username" },
    { name: "password", label: texts.password, type: "password", autoComplete: "current-password" },
  ];
  if (needsCode) fields.push({ name: "code", label: texts.code, type: "text", autoComplete: "one-time-code" });

  const submit = async (given: (name: string) => string) => {
    try {
      onSignedIn(await signIn(given("email"), given("password"), given("code")));
    } catch (error) {
      if (error instanceof Refused && error.problem.code === "SECOND_FACTOR_REQUIRED") setNeedsCode(true);
      throw error;
    }
  };

  return (
    <CardForm title={texts.signIn} notice={notice} fields={fields} action={texts.signIn} onSubmit={submit}>
      <div className="row spread">
        <Button kind="plain" onClick={onSignUp}>
          {texts.signUp}
        </Button>
        <Button kind="plain" onClick={onForgotten}>
          {texts.forgotten}
        </Button>
      </div>
      <p className="quiet small">{texts.demo}</p>
    </CardForm>
  );
}
