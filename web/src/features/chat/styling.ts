// Message styling (XEP-0393), as the hub sends it, into plain data. No HTML comes out of it, whatever goes in.

export type Span =
  | { kind: "text"; text: string }
  | { kind: "strong" | "emphasis" | "struck"; inside: Span[] }
  | { kind: "code"; text: string }
  | { kind: "link"; href: string };

export type Block =
  | { kind: "paragraph"; lines: Span[][] }
  | { kind: "list"; ordered: boolean; items: Span[][] }
  | { kind: "quote"; inside: Block[] }
  | { kind: "code"; language: string; text: string };

const ITEM = /^\s{0,3}(?:[-*•]|(\d{1,3})[.)])\s+(.*)$/;
const SPAN =
  /`([^`\n]+)`|(?<![\w*])\*(?=\S)([^*\n]*?\S)\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]*?\S)_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]*?\S)~(?![\w~])|(https?:\/\/[^\s<>"]*[^\s<>".,;:!?)\]}'])/;
const DEEPEST = 4;

/** The blocks of a message. Quotations nest four deep; what lies deeper stays text. */
export function blocks(text: string, depth = 0): Block[] {
  const found: Block[] = [];
  const lines = text.split("\n");
  let at = 0;
  while (at < lines.length) {
    const line = lines[at] ?? "";
    const fence = /^```(.*)$/.exec(line);
    if (fence) {
      const end = lines.findIndex((one, place) => place > at && one.trimEnd() === "```");
      const last = end === -1 ? lines.length : end;
      found.push({ kind: "code", language: (fence[1] ?? "").trim(), text: lines.slice(at + 1, last).join("\n") });
      at = last + 1;
    } else if (line.startsWith(">") && depth < DEEPEST) {
      const last = endOf(lines, at, (one) => one.startsWith(">"));
      const inside = lines.slice(at, last).map((one) => one.replace(/^> ?/, ""));
      found.push({ kind: "quote", inside: blocks(inside.join("\n"), depth + 1) });
      at = last;
    } else if (ITEM.test(line)) {
      const last = endOf(lines, at, (one) => ITEM.test(one));
      const items = lines.slice(at, last).map((one) => ITEM.exec(one));
      found.push({ kind: "list", ordered: items[0]?.[1] !== undefined, items: items.map((one) => spans(one?.[2] ?? "")) });
      at = last;
    } else if (line.trim() === "") {
      at += 1;
    } else {
      const last = endOf(lines, at, (one) => !breaks(one, depth));
      found.push({ kind: "paragraph", lines: lines.slice(at, last).map((one) => spans(one)) });
      at = last;
    }
  }
  return found;
}

function breaks(line: string, depth: number): boolean {
  return line.trim() === "" || line.startsWith("```") || (line.startsWith(">") && depth < DEEPEST) || ITEM.test(line);
}

function endOf(lines: string[], from: number, goesOn: (line: string) => boolean): number {
  let at = from + 1;
  while (at < lines.length && goesOn(lines[at] ?? "")) at += 1;
  return at;
}

/** The spans of a line. */
export function spans(text: string): Span[] {
  const found: Span[] = [];
  let rest = text;
  for (let match = SPAN.exec(rest); match !== null; match = SPAN.exec(rest)) {
    if (match.index > 0) found.push({ kind: "text", text: rest.slice(0, match.index) });
    found.push(spanOf(match));
    rest = rest.slice(match.index + match[0].length);
  }
  if (rest !== "") found.push({ kind: "text", text: rest });
  return found;
}

function spanOf([, code, strong, emphasis, struck, link]: RegExpExecArray): Span {
  if (code !== undefined) return { kind: "code", text: code };
  if (strong !== undefined) return { kind: "strong", inside: spans(strong) };
  if (emphasis !== undefined) return { kind: "emphasis", inside: spans(emphasis) };
  if (struck !== undefined) return { kind: "struck", inside: spans(struck) };
  return { kind: "link", href: link ?? "" };
}
