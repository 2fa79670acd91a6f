import { xml, type Element } from "@xmpp/client";

import type { FileLink, Message, TurnData } from "./messages";

export const NS = {
  receipts: "urn:xmpp:receipts",
  states: "http://jabber.org/protocol/chatstates",
  markers: "urn:xmpp:chat-markers:0",
  ids: "urn:xmpp:sid:0",
  carbons: "urn:xmpp:carbons:2",
  forward: "urn:xmpp:forward:0",
  delay: "urn:xmpp:delay",
  mam: "urn:xmpp:mam:2",
  rsm: "http://jabber.org/protocol/rsm",
  form: "jabber:x:data",
  disco: "http://jabber.org/protocol/disco#items",
  commands: "http://jabber.org/protocol/commands",
  fallback: "urn:xmpp:fallback:0",
  turn: "urn:aiox:turn:0",
  retract: "urn:xmpp:message-retract:1",
  correct: "urn:xmpp:message-correct:0",
  oob: "jabber:x:oob",
  sharing: "urn:xmpp:sfs:0",
  metadata: "urn:xmpp:file:metadata:0",
  urlData: "http://jabber.org/protocol/url-data",
  upload: "urn:xmpp:http:upload:0",
} as const;

/** The address without its resource. */
export function bare(jid: string | undefined): string {
  return (jid ?? "").split("/")[0] ?? "";
}

/** What a person says: its id is the origin-id too (XEP-0359), so that the hub knows it when it comes twice. */
export function said(to: string, id: string, text: string, files: readonly FileLink[] = []): Element {
  // The links stand in the body too, for clients that know nothing else (XEP-0066).
  const body = [text, ...files.map((one) => one.url)].filter((line) => line !== "").join("\n");
  return xml(
    "message",
    { to, id, type: "chat" },
    xml("body", {}, body),
    xml("origin-id", { xmlns: NS.ids, id }),
    xml("request", { xmlns: NS.receipts }),
    xml("markable", { xmlns: NS.markers }),
    ...files.map((one) => xml("x", { xmlns: NS.oob }, xml("url", {}, one.url))),
  );
}

/** Asks for room for a file (XEP-0363). */
export function slotFor(to: string, file: { name: string; size: number; type: string }): Element {
  const type = file.type === "" ? "application/octet-stream" : file.type;
  const asked = { xmlns: NS.upload, filename: file.name, size: String(file.size), "content-type": type };
  return xml("iq", { type: "get", to }, xml("request", asked));
}

/** A page of the archive (XEP-0313): the newest messages with somebody, or those before `before`. */
export function archivePage(queryId: string, withJid: string, before: string, limit: number): Element {
  const field = (name: string, value: string) => xml("field", { var: name }, xml("value", {}, value));
  return xml(
    "iq",
    { type: "set" },
    xml(
      "query",
      { xmlns: NS.mam, queryid: queryId },
      xml("x", { xmlns: NS.form, type: "submit" }, field("FORM_TYPE", NS.mam), field("with", withJid)),
      xml("set", { xmlns: NS.rsm }, xml("max", {}, String(limit)), xml("before", {}, before)),
    ),
  );
}

/** The message with a text inside this stanza, or undefined. `me` is one's own bare address. */
export function messageIn(stanza: Element, me: string, at: number): Message | undefined {
  const body = stanza.getChildText("body");
  if (body === null || (stanza.attrs.type !== "chat" && stanza.attrs.type !== "normal")) return undefined;
  const mine = bare(stanza.attrs.from) === me;
  const retracted = stanza.getChild("retract", NS.retract)?.attrs.id;
  const replaced = retracted ?? stanza.getChild("replace", NS.correct)?.attrs.id;
  const id = replaced ?? stanza.getChild("origin-id", NS.ids)?.attrs.id ?? stanza.attrs.id ?? crypto.randomUUID();
  const turn = turnIn(stanza);
  const files = filesIn(stanza);
  return {
    id,
    mine,
    peer: bare(mine ? stanza.attrs.to : stanza.attrs.from),
    text: retracted === undefined ? withoutLinks(withoutQuote(stanza, body), files) : "",
    at: delayOf(stanza) ?? at,
    state: mine ? "sent" : "received",
    ...(turn === undefined ? {} : { turn }),
    ...(files.length === 0 ? {} : { files }),
    ...(replaced === undefined ? {} : { corrected: true }),
    ...(retracted === undefined ? {} : { retracted: true }),
  };
}

/** The files beside a message (XEP-0447, XEP-0066), each once. */
function filesIn(stanza: Element): FileLink[] {
  const found = new Map<string, string>();
  for (const shared of stanza.getChildren("file-sharing", NS.sharing)) {
    const url = shared.getChild("sources", NS.sharing)?.getChild("url-data", NS.urlData)?.attrs.target;
    const name = shared.getChild("file", NS.metadata)?.getChildText("name", NS.metadata);
    if (url !== undefined && isWeb(url)) found.set(url, name ?? nameIn(url));
  }
  for (const x of stanza.getChildren("x", NS.oob)) {
    const url = x.getChildText("url");
    if (url !== null && isWeb(url) && !found.has(url)) found.set(url, nameIn(url));
  }
  return [...found].map(([url, name]) => ({ url, name }));
}

function isWeb(url: string): boolean {
  return URL.canParse(url) && ["https:", "http:"].includes(new URL(url).protocol);
}

function nameIn(url: string): string {
  const last = new URL(url).pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(last);
  } catch {
    return last;
  }
}

function withoutLinks(body: string, files: readonly FileLink[]): string {
  const links = new Set(files.map((one) => one.url));
  return links.size === 0 ? body : body.split("\n").filter((line) => !links.has(line.trim())).join("\n").trim();
}

/** The stanza that an envelope of the archive or of another device holds, and when it was sent. */
export function forwarded(outer: Element | undefined): { stanza: Element; at: number | undefined } | undefined {
  const inside = outer?.getChild("forwarded", NS.forward);
  const stanza = inside?.getChild("message");
  return inside === undefined || stanza === undefined ? undefined : { stanza, at: delayOf(inside) };
}

function delayOf(stanza: Element): number | undefined {
  const stamp = stanza.getChild("delay", NS.delay)?.attrs.stamp;
  const at = stamp === undefined ? NaN : Date.parse(stamp);
  return Number.isNaN(at) ? undefined : at;
}

function turnIn(stanza: Element): TurnData | undefined {
  const turn = stanza.getChild("turn", NS.turn);
  if (turn?.attrs.id === undefined) return undefined;
  const figure = (name: string) => Number(turn.attrs[name] ?? 0);
  return {
    id: turn.attrs.id,
    version: figure("version"),
    platformMs: figure("platform-ms"),
    workerMs: figure("worker-ms"),
    tokens: figure("tokens"),
    sources: turn
      .getChildren("source", NS.turn)
      .map((one) => ({ title: one.attrs.title ?? "", section: one.attrs.section ?? "" })),
  };
}

/** Without the quotation that is there for clients that know no replies (XEP-0461, XEP-0428). */
function withoutQuote(stanza: Element, body: string): string {
  const range = stanza.getChild("fallback", NS.fallback)?.getChild("body");
  const start = Number(range?.attrs.start ?? 0);
  const end = Number(range?.attrs.end ?? 0);
  if (range === undefined || end <= start) return body;
  const letters = Array.from(body); // they are counted in code points
  return [...letters.slice(0, start), ...letters.slice(end)].join("");
}
