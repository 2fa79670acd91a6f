import { ask, json, Refused, Unreachable } from "./ask";
import type { paths } from "./generated/schema";

type Method = "get" | "post" | "put" | "patch" | "delete";

/** The paths of the API that know this method. */
export type PathOf<M extends Method> = {
  [P in keyof paths]: paths[P] extends Record<M, { responses: unknown }> ? P : never;
}[keyof paths];

type Operation<P extends keyof paths, M extends Method> = paths[P] extends Record<M, infer O> ? O : never;
type Content<T> = T extends { content: { "application/json": infer B } } ? B : undefined;
type Part<O, N extends "path" | "query"> = O extends { parameters: { [name in N]?: infer T } } ? T & object : never;

/** What a request answers with. */
export type Answer<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { responses: infer R }
    ? R extends { 200: infer A }
      ? Content<A>
      : R extends { 201: infer A }
        ? Content<A>
        : R extends { 202: infer A }
          ? Content<A>
          : undefined
    : undefined;

/** What a request sends. */
export type Body<P extends keyof paths, M extends Method> =
  Operation<P, M> extends { requestBody: infer B } ? Content<B> : undefined;

export interface Given<P extends keyof paths, M extends Method> {
  path?: Part<Operation<P, M>, "path">;
  query?: Part<Operation<P, M>, "query">;
  body?: Body<P, M>;
  /** The ETag of what is changed. */
  ifMatch?: string;
  signal?: AbortSignal;
  /** Hears the ETag of the answer. */
  onTag?: (etag: string) => void;
}

/** Where access tokens come from. `renew` asks for another one and fails when the session is over. */
export interface Tokens {
  current: () => string;
  renew: () => Promise<string>;
}

/** The API of the hub, in the name of who is signed in. Every request throws Refused or Unreachable. */
export class Api {
  readonly tokens: Tokens;

  constructor(tokens: Tokens) {
    this.tokens = tokens;
  }

  get<P extends PathOf<"get">>(path: P, given: Given<P, "get"> = {}): Promise<Answer<P, "get">> {
    return this.#ask("get", path, given);
  }

  post<P extends PathOf<"post">>(path: P, given: Given<P, "post"> = {}): Promise<Answer<P, "post">> {
    return this.#ask("post", path, given);
  }

  put<P extends PathOf<"put">>(path: P, given: Given<P, "put"> = {}): Promise<Answer<P, "put">> {
    return this.#ask("put", path, given);
  }

  patch<P extends PathOf<"patch">>(path: P, given: Given<P, "patch"> = {}): Promise<Answer<P, "patch">> {
    return this.#ask("patch", path, given);
  }

  delete<P extends PathOf<"delete">>(path: P, given: Given<P, "delete"> = {}): Promise<Answer<P, "delete">> {
    return this.#ask("delete", path, given);
  }

  /** A file of the hub, for the person to keep. */
  async file(path: string): Promise<Blob> {
    const once = () => fetch(path, { headers: this.#headers(), credentials: "omit" });
    let response = await once();
    if (response.status === 401) {
      await this.tokens.renew();
      response = await once();
    }
    if (!response.ok) throw new Refused(await response.json());
    return response.blob();
  }

  /** The body of an answer that goes on and on. */
  async stream(path: string, signal: AbortSignal): Promise<ReadableStream<Uint8Array<ArrayBuffer>>> {
    const headers = () => ({ ...this.#headers(), accept: "text/event-stream" });
    const once = () => fetch(path, { headers: headers(), credentials: "omit", signal });
    let response = await once();
    if (response.status === 401) {
      await this.tokens.renew();
      response = await once();
    }
    if (!response.ok) throw new Refused(await response.json());
    if (response.body === null) throw new Unreachable();
    return response.body;
  }

  async #ask<P extends keyof paths, M extends Method>(
    method: M,
    path: P,
    given: Given<P, M>,
  ): Promise<Answer<P, M>> {
    const address = filled(path, given.path, given.query);
    // The same key for the second try: what is asked for is done once (docs/api.md).
    const key = method === "post" ? { "idempotency-key": crypto.randomUUID() } : {};
    const once = () => ask<Answer<P, M>>(address, this.#request(method, given, key), "omit", given.onTag);
    try {
      return await once();
    } catch (error) {
      if (!(error instanceof Refused) || error.problem.status !== 401) throw error;
      await this.tokens.renew();
      return once();
    }
  }

  #request(method: Method, given: { body?: unknown; ifMatch?: string; signal?: AbortSignal }, key: object): RequestInit {
    const match = given.ifMatch === undefined ? {} : { "if-match": given.ifMatch };
    const headers = { ...this.#headers(), ...key, ...match };
    const signal = given.signal === undefined ? {} : { signal: given.signal };
    const verb = method.toUpperCase();
    return { ...(given.body === undefined ? { method: verb, headers } : json(verb, given.body, headers)), ...signal };
  }

  #headers(): Record<string, string> {
    return { authorization: `Bearer ${this.tokens.current()}` };
  }
}

function filled(path: string, names: object = {}, query: object = {}): string {
  const parts: Record<string, unknown> = { ...names };
  const address = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(parts[name])));
  const asked = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "") asked.set(name, String(value));
  }
  return asked.size === 0 ? address : `${address}?${asked}`;
}
