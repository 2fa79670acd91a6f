import { useState } from "react";

import { askNewPassword, confirmEmail, setNewPassword, signUp } from "../../backend/session";
import type { Session } from "../../backend/types";
import { useTexts } from "../../shared/i18n";
import { Button } from "../../shared/ui/parts";
import { CardForm, type Field } from "./CardForm";
import type { Link } from "./link";
import { SignIn } from "./SignIn";

interface Props {
  notice: string;
  link: Link;
  onLinkUsed: () => void;
  onSignedIn: (session: Session) => void;
}

type Step = "sign-in" | "sign-up" | "forgotten";

/** Everything before one is signed in: signing in and up, and the links that come by mail. */
export function Doorstep({ notice, link, onLinkUsed, onSignedIn }: Props) {
  const texts = useTexts();
  const [step, setStep] = useState<Step>("sign-in");
  const [said, setSaid] = useState(notice);

  const email: Field = { name: "email", label: texts.email, type: "email", autoComplete: "username" };
  const password: Field = { name: "password", label: texts.password, type: "password", autoComplete: "current-password" };
  const fresh: Field = { ...password, label: texts.newPassword, autoComplete: "new-password", minLength: 12 };
  const name: Field = { name: "name", label: texts.name, type: "text", autoComplete: "nickname" };

  const goOn = (words: string) => {
    setSaid(words);
    setStep("sign-in");
  };
  const back = (
    <Button kind="plain" onClick={() => goOn("")}>
      {texts.back}
    </Button>
  );

  if (link.kind === "confirm") {
    const submit = async (given: (name: string) => string) => {
      await confirmEmail(link.token, given("password"));
      goOn(texts.confirmed);
      onLinkUsed();
    };
    return <CardForm title={texts.confirmTitle} fields={[password]} action={texts.confirmAsk} onSubmit={submit} />;
  }
  if (link.kind === "reset") {
    const submit = async (given: (name: string) => string) => {
      await setNewPassword(link.token, given("password"));
      goOn(texts.passwordChosen);
      onLinkUsed();
    };
    return <CardForm title={texts.choosePassword} fields={[fresh]} action={texts.choosePassword} onSubmit={submit} />;
  }
  if (step === "forgotten") {
    const submit = async (given: (name: string) => string) => {
      await askNewPassword(given("email"));
      goOn(texts.forgottenAsked);
    };
    return (
      <CardForm key={step} title={texts.forgotten} fields={[email]} action={texts.forgottenAsk} onSubmit={submit}>
        {back}
      </CardForm>
    );
  }
  if (step === "sign-up") {
    const submit = async (given: (name: string) => string) => {
      const invitation = link.kind === "invitation" ? link.token : "";
      const next = await signUp(given("email"), given("password"), given("name"), invitation);
      goOn(next === "created" ? texts.signUpDone : texts.signUpAsked);
      if (next === "created") onLinkUsed();
    };
    return (
      <CardForm key={step} title={texts.signUp} fields={[email, name, fresh]} action={texts.signUp} onSubmit={submit}>
        {back}
      </CardForm>
    );
  }
  return (
    <SignIn
      notice={said === "" && link.kind === "invitation" ? texts.invited : said}
      onSignedIn={onSignedIn}
      onSignUp={() => setStep("sign-up")}
      onForgotten={() => setStep("forgotten")}
    />
  );
}
