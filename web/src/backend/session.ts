import { ask, bearer, json } from "./ask";
import type { Session } from "./types";

// The refresh token lies in a cookie that no script reads. Beside it stands a proof that our own pages send back.
const PROOF = "aiox_csrf";

function proof(): string {
  const found = document.cookie.split("; ").find((cookie) => cookie.startsWith(`${PROOF}=`));
  return found?.slice(PROOF.length + 1) ?? "";
}

export function signIn(email: string, password: string, code: string): Promise<Session> {
  return ask<Session>("/v1/sessions", json("POST", { email, password, code, keep: "cookie" }), "same-origin");
}

/** Whether this browser was signed in before. */
export function wasSignedIn(): boolean {
  return proof() !== "";
}

/** A new access token. One tab at a time: a refresh token that is used twice ends the session. */
export async function resume(): Promise<Session> {
  return await navigator.locks.request("aiox-refresh", () =>
    ask<Session>("/v1/sessions/refresh", json("POST", {}, { "x-aiox-csrf": proof() }), "same-origin"),
  );
}

export function signOut(session: Session): Promise<void> {
  return ask<void>("/v1/sessions/current", { method: "DELETE", headers: bearer(session) }, "same-origin");
}

export async function signUp(email: string, password: string, name: string, invitation: string): Promise<string> {
  const fields = { email, password, name, ...(invitation === "" ? {} : { invitation }) };
  return (await ask<{ next: string }>("/v1/accounts", json("POST", fields))).next;
}

export function confirmEmail(token: string, password: string): Promise<void> {
  return ask<void>("/v1/accounts/confirmations", json("POST", { token, password }));
}

export function askNewPassword(email: string): Promise<void> {
  return ask<void>("/v1/password-resets", json("POST", { email }));
}

export function setNewPassword(token: string, password: string): Promise<void> {
  return ask<void>("/v1/password-resets/completions", json("POST", { token, password }));
}

export function acceptInvitation(session: Session, token: string): Promise<void> {
  return ask<void>("/v1/invitations/acceptances", json("POST", { token }, bearer(session)));
}
