// The part of @xmpp/client that the chat uses. It has no types of its own.
declare module "@xmpp/client" {
  export interface Element {
    name: string;
    attrs: Record<string, string | undefined>;
    children: (Element | string)[];
    is(name: string, xmlns?: string): boolean;
    getChild(name: string, xmlns?: string): Element | undefined;
    getChildren(name: string, xmlns?: string): Element[];
    getChildText(name: string, xmlns?: string): string | null;
    text(): string;
  }

  export interface Mechanism {
    name: string;
    clientFirst: boolean;
    response(credentials: { username: string; password: string }): string;
    challenge(): Mechanism;
  }

  type Authenticate = (credentials: { username: string; password: string }, mechanism: string) => Promise<void>;

  export interface Client {
    status: string;
    reconnect: { delay: number };
    iqCaller: { request(iq: Element, timeoutMs?: number): Promise<Element> };
    saslFactory: { use(name: string, mechanism: new () => Mechanism): void };
    streamManagement: { on(event: "resumed" | "fail", heard: (stanza?: Element) => void): void };
    start(): Promise<unknown>;
    stop(): Promise<unknown>;
    send(element: Element): Promise<void>;
    on(event: "online", heard: () => void): void;
    on(event: "disconnect" | "offline", heard: () => void): void;
    on(event: "error", heard: (error: Error) => void): void;
    on(event: "stanza", heard: (stanza: Element) => void): void;
  }

  export function client(options: {
    service: string;
    domain: string;
    timeout?: number;
    credentials: (authenticate: Authenticate, mechanisms: string[]) => Promise<void>;
  }): Client;

  export function xml(
    name: string,
    attrs?: Record<string, string | undefined>,
    ...children: (Element | string)[]
  ): Element;
}
