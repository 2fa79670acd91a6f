import { client, xml, type Client, type Element, type Mechanism } from "@xmpp/client";

import type { Piece } from "../../backend/live";
import { grown, marked, merged, nothing, type Conversation, type FileLink, type Message } from "./messages";
import { archivePage, bare, forwarded, messageIn, NS, said, slotFor } from "./stanzas";

const PAGE = 40;
/** Who turns back reads on: pages behind the first are longer. */
const OLDER_PAGE = 100;
const IQ_MS = 30_000;
const AGAIN_MS = 15_000;
/** How long an answer that has ended is shown as it grew, should the message itself not come. */
const LEFT_MS = 8000;

export type LineState = "connecting" | "online" | "away";

export interface Command {
  name: string;
  title: string;
}

/** SASL X-OAUTH2: the token stands where PLAIN has the password (docs/accounts.md). */
class OAuth implements Mechanism {
  name = "X-OAUTH2";
  clientFirst = true;
  response({ username, password }: { username: string; password: string }): string {
    return `\0${username}\0${password}`;
  }
  challenge(): this {
    return this;
  }
}
Object.assign(OAuth.prototype, { name: "X-OAUTH2", clientFirst: true });

/** A person's XMPP connection, and the conversations that came over it. Ends with `hangUp`. */
export class Line {
  readonly #me: string;
  readonly #xmpp: Client;
  readonly #heard = new Set<() => void>();
  readonly #pages = new Map<string, Message[]>();
  /** Whose older messages are on their way. */
  readonly #turning = new Set<string>();
  /** Ids that this stream has been given: the stream itself sends them again when it is resumed. */
  readonly #given = new Set<string>();
  #conversations: ReadonlyMap<string, Conversation> = new Map();
  #state: LineState = "connecting";
  #live = false;
  #shown = 0;
  #repeat: number | undefined;

  /** `token` fetches a fresh XMPP token; it is asked at each login, also after the line broke. */
  constructor(jid: string, token: () => Promise<string>) {
    this.#me = jid;
    const [name = "", domain = ""] = jid.split("@");
    this.#xmpp = client({
      service: `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/xmpp-websocket`,
      domain,
      timeout: 20_000,
      credentials: async (authenticate) => authenticate({ username: name, password: await token() }, "X-OAUTH2"),
    });
    this.#xmpp.saslFactory.use("X-OAUTH2", OAuth);
    this.#xmpp.on("online", () => void this.#online());
    this.#xmpp.streamManagement.on("resumed", () => {
      this.#become("online");
      this.#sayWaiting();
    });
    this.#xmpp.on("disconnect", () => this.#become("away"));
    this.#xmpp.on("error", () => {
      if (this.#xmpp.status !== "online") this.#become("away"); // the library dials again by itself
    });
    this.#xmpp.on("stanza", (stanza) => this.#take(stanza));
    this.#xmpp.start().catch(() => this.#become("away"));
    this.#repeat = window.setInterval(() => this.#sayAgain(), AGAIN_MS);
  }

  get state(): LineState {
    return this.#state;
  }

  subscribe = (heard: () => void): (() => void) => {
    this.#heard.add(heard);
    return () => this.#heard.delete(heard);
  };

  with(peer: string): Conversation {
    return this.#conversations.get(peer) ?? nothing;
  }

  /** Whether answers are shown while they are written. */
  get live(): boolean {
    return this.#live;
  }

  becomeLive(on: boolean): void {
    this.#live = on;
    this.#tell();
  }

  /** One more piece of an answer that is being written. */
  grow(piece: Piece): void {
    const peer = piece.agent_jid;
    const growing = grown(this.with(peer).growing, piece);
    if (growing === this.with(peer).growing) return;
    this.#put(peer, { ...this.with(peer), growing });
    if (growing?.ended === true) window.setTimeout(() => this.#fade(peer, growing.turn), LEFT_MS);
    if (this.#shown === 0) this.#shown = requestAnimationFrame(() => this.#tell()); // as often as it can be seen
  }

  /** Asks the server, once it is there, for room for a file (XEP-0363): where it goes, and where others get it. Throws
   * what was refused. */
  async slot(file: File): Promise<{ put: string; get: string }> {
    await this.#reached();
    const to = `upload.${this.#me.split("@")[1] ?? ""}`;
    const slot = (await this.#xmpp.iqCaller.request(slotFor(to, file), IQ_MS)).getChild("slot", NS.upload);
    const [put, get] = [slot?.getChild("put")?.attrs.url, slot?.getChild("get")?.attrs.url];
    if (put === undefined || get === undefined) throw new Error("no slot in the answer");
    return { put, get };
  }

  /** Says something. It is shown at once, and said again under the same id until the hub has it. */
  say(peer: string, text: string, files: readonly FileLink[] = []): void {
    const id = crypto.randomUUID();
    const message: Message = { id, mine: true, peer, text, files, at: Date.now(), state: "sending" };
    this.#change(peer, (one) => ({ ...one, messages: merged(one.messages, [message]) }));
    if (this.#state === "online") this.#sayWaiting();
  }

  /** Asks the archive for the page before what is known. */
  async older(peer: string): Promise<void> {
    const known = this.with(peer);
    if (known.older === null || this.#state !== "online" || this.#turning.has(peer)) return;
    this.#turning.add(peer);
    this.#change(peer, (one) => ({ ...one, asked: true }));
    await this.#page(peer, known.older);
    this.#turning.delete(peer);
  }

  /** What somebody may tell this agent to do (XEP-0050). */
  async commands(peer: string): Promise<Command[]> {
    const asked = xml("iq", { type: "get", to: peer }, xml("query", { xmlns: NS.disco, node: NS.commands }));
    const answer = await this.#xmpp.iqCaller.request(asked, IQ_MS);
    const items = answer.getChild("query", NS.disco)?.getChildren("item") ?? [];
    return items.map((one) => ({ name: one.attrs.node?.split("#").at(-1) ?? "", title: one.attrs.name ?? "" }));
  }

  hangUp(): void {
    window.clearInterval(this.#repeat);
    cancelAnimationFrame(this.#shown);
    this.#heard.clear();
    this.#xmpp.stop().catch(() => undefined); // it is over either way
  }

  #reached(): Promise<void> {
    if (this.#state === "online") return Promise.resolve();
    return new Promise((done) => {
      const stop = this.subscribe(() => {
        if (this.#state !== "online") return;
        stop();
        done();
      });
    });
  }

  async #online(): Promise<void> {
    await this.#xmpp.send(xml("presence"));
    const carbons = xml("iq", { type: "set" }, xml("enable", { xmlns: NS.carbons }));
    this.#xmpp.iqCaller.request(carbons, IQ_MS).catch(() => undefined); // other devices are then heard with the archive
    this.#become("online");
    // A new stream: what came while we were away stands in the archive.
    for (const [peer, one] of this.#conversations) if (one.asked) void this.#page(peer, "");
    this.#given.clear();
    this.#sayWaiting();
  }

  async #page(peer: string, before: string): Promise<void> {
    const queryId = crypto.randomUUID();
    this.#pages.set(queryId, []);
    try {
      const answer = await this.#xmpp.iqCaller.request(archivePage(queryId, peer, before, before === "" ? PAGE : OLDER_PAGE), IQ_MS);
      const fin = answer.getChild("fin", NS.mam);
      const first = fin?.getChild("set", NS.rsm)?.getChildText("first") ?? null;
      const older = fin?.attrs.complete === "true" ? null : first;
      const found = this.#pages.get(queryId) ?? [];
      this.#change(peer, (one) => ({
        ...one,
        messages: merged(one.messages, found),
        asked: true,
        older: before !== "" || one.older === "" ? older : one.older,
      }));
    } catch {
      this.#change(peer, (one) => ({ ...one, asked: one.older !== "" })); // asked again when it is next wanted
    } finally {
      this.#pages.delete(queryId);
    }
  }

  #take(stanza: Element): void {
    if (!stanza.is("message")) return;
    const result = stanza.getChild("result", NS.mam);
    if (result !== undefined) {
      if (bare(stanza.attrs.from) === this.#me || stanza.attrs.from === undefined) this.#fromArchive(result);
      return;
    }
    const carbon = stanza.getChild("sent", NS.carbons) ?? stanza.getChild("received", NS.carbons);
    const copy = forwarded(carbon);
    // Only our own server speaks of other devices (XEP-0280, section 11).
    if (copy !== undefined && bare(stanza.attrs.from) !== this.#me) return;
    this.#heardFrom(copy?.stanza ?? stanza);
  }

  #fromArchive(result: Element): void {
    const kept = forwarded(result);
    const page = this.#pages.get(result.attrs.queryid ?? "");
    const message = kept && messageIn(kept.stanza, this.#me, kept.at ?? Date.now());
    if (message === undefined || page === undefined) return;
    page.push(message.mine ? { ...message, state: "received" } : message);
  }

  #heardFrom(stanza: Element): void {
    const peer = bare(stanza.attrs.from);
    if (stanza.attrs.type === "error") {
      const words = stanza.getChild("error")?.getChildText("text") ?? stanza.getChild("error")?.children[0];
      this.#mark(peer, stanza.attrs.id, "failed", typeof words === "string" ? words : "");
      return;
    }
    const message = messageIn(stanza, this.#me, Date.now());
    if (message !== undefined) {
      this.#change(message.peer, (one) => ({
        ...one,
        messages: merged(one.messages, [message]),
        typing: message.mine ? one.typing : false,
        growing: message.mine || (message.turn?.id !== one.growing?.turn && one.growing?.ended !== true) ? one.growing : undefined,
      }));
    }
    this.#mark(peer, stanza.getChild("received", NS.receipts)?.attrs.id, "received");
    this.#mark(peer, stanza.getChild("displayed", NS.markers)?.attrs.id, "read");
    const composing = stanza.getChild("composing", NS.states) !== undefined;
    const rests = ["active", "paused", "inactive", "gone"].some((name) => stanza.getChild(name, NS.states));
    if (peer !== this.#me && (composing || rests)) this.#change(peer, (one) => ({ ...one, typing: composing }));
  }

  #mark(peer: string, id: string | undefined, state: Message["state"], error = ""): void {
    if (id === undefined) return;
    this.#change(peer, (one) => ({ ...one, messages: marked(one.messages, id, state, error) }));
  }

  /** Says what this stream has not been given yet. */
  #sayWaiting(): void {
    for (const message of this.#unheard()) {
      if (this.#given.has(message.id)) continue;
      this.#given.add(message.id);
      this.#xmpp.send(said(message.peer, message.id, message.text, message.files)).catch(() => undefined); // said again later
    }
  }

  /** Says again what the hub has not confirmed for a while. It knows the id, and answers once. */
  #sayAgain(): void {
    if (this.#state !== "online") return;
    const late = Date.now() - AGAIN_MS;
    for (const message of this.#unheard()) if (message.at < late) this.#given.delete(message.id);
    this.#sayWaiting();
  }

  #unheard(): Message[] {
    const all = [...this.#conversations.values()].flatMap((one) => one.messages);
    return all.filter((one) => one.mine && one.state === "sending");
  }

  #fade(peer: string, turn: string): void {
    if (this.with(peer).growing?.turn === turn) this.#change(peer, (one) => ({ ...one, growing: undefined }));
  }

  #change(peer: string, work: (before: Conversation) => Conversation): void {
    this.#put(peer, work(this.with(peer)));
    this.#tell();
  }

  #put(peer: string, conversation: Conversation): void {
    this.#conversations = new Map(this.#conversations).set(peer, conversation);
  }

  #become(state: LineState): void {
    this.#state = state;
    this.#tell();
  }

  #tell(): void {
    this.#shown = 0;
    for (const heard of this.#heard) heard();
  }
}
