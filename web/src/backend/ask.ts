import type { Problem, Session } from "./types";

/** The hub said no, with a reason for a person. */
export class Refused extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

/** The hub did not answer, or not as a hub does. */
export class Unreachable extends Error {}

/** Asks the hub. Cookies go along only where the session itself is asked for. */
export async function ask<Answer>(
  path: string,
  init: RequestInit,
  credentials: RequestCredentials = "omit",
  onTag: (etag: string) => void = () => undefined,
): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(path, { ...init, credentials });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new Unreachable();
  }
  if (response.headers.get("content-type")?.startsWith("application/problem+json")) {
    throw new Refused((await response.json()) as Problem);
  }
  if (!response.ok) throw new Unreachable();
  onTag(response.headers.get("etag") ?? "");
  const text = await response.text();
  return (text === "" ? undefined : JSON.parse(text)) as Answer;
}

export function bearer(session: Session): Record<string, string> {
  return { authorization: `Bearer ${session.access_token}` };
}

export function json(method: string, body: unknown, headers: Record<string, string> = {}): RequestInit {
  return { method, headers: { ...headers, "content-type": "application/json" }, body: JSON.stringify(body) };
}
