// Checks one record of the ledger here in the browser: the hub's words are not believed, its signature is.

const FORM = /^c2sp\.org\/tlog-proof@v1\nextra ([A-Za-z0-9+/=]+)\nindex (\d{1,18})\n((?:[A-Za-z0-9+/]{43}=\n)*)\n([\s\S]+)$/;
const ED25519 = 1;

type Bytes = Uint8Array<ArrayBuffer>;

export type Verdict = { holds: true; size: number } | { holds: false; why: "form" | "root" | "signature" };

/** Whether the proof (c2sp.org/tlog-proof) leads to a root that one of the keys has signed. */
export async function verified(text: string, keys: readonly string[]): Promise<Verdict> {
  const found = FORM.exec(text);
  if (found === null) return { holds: false, why: "form" };
  const [, extra = "", index = "", path = "", note = ""] = found;
  const end = note.lastIndexOf("\n\n");
  const signed = note.slice(0, end + 1);
  const [, size = "", root = ""] = signed.split("\n");
  if (end === -1 || !/^\d{1,18}$/.test(size)) return { holds: false, why: "form" };
  const steps = path.split("\n").filter((one) => one !== "");
  const reached = await rootOf(BigInt(index), BigInt(size), bytesOf(extra), steps.map(bytesOf));
  if (reached === undefined || textOf(reached) !== root) return { holds: false, why: "root" };
  const signatures = note.slice(end + 2).split("\n");
  const trusted = await Promise.all(keys.map((key) => signedBy(key, signed, signatures)));
  return trusted.includes(true) ? { holds: true, size: Number(size) } : { holds: false, why: "signature" };
}

/** RFC 9162, 2.1.3.2. */
async function rootOf(index: bigint, size: bigint, leaf: Bytes, path: Bytes[]): Promise<Bytes | undefined> {
  if (index >= size) return undefined;
  let [fn, sn] = [index, size - 1n];
  let hash = await digest([0], leaf);
  for (const step of path) {
    if (sn === 0n) return undefined;
    if ((fn & 1n) === 1n || fn === sn) {
      hash = await digest([1], step, hash);
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else {
      hash = await digest([1], hash, step);
    }
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  return sn === 0n ? hash : undefined;
}

async function signedBy(key: string, signed: string, signatures: readonly string[]): Promise<boolean> {
  const [name = "", id = "", encoded = ""] = splitKey(key);
  const raw = bytesOf(encoded);
  if (raw[0] !== ED25519) return false;
  const line = signatures.find((one) => one.startsWith(`— ${name} `));
  if (line === undefined) return false;
  const given = bytesOf(line.slice(name.length + 3));
  if (hex(given.slice(0, 4)) !== id) return false;
  const imported = await crypto.subtle.importKey("raw", raw.slice(1), "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, given.slice(4), new TextEncoder().encode(signed));
}

/** Name, id and key: the base64 at the end may itself hold plus signs. */
function splitKey(key: string): string[] {
  const [name = "", id = "", ...rest] = key.split("+");
  return [name, id, rest.join("+")];
}

async function digest(head: number[], ...parts: Bytes[]): Promise<Bytes> {
  const whole = [...head, ...parts.flatMap((part) => [...part])];
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new Uint8Array(whole)));
}

function bytesOf(base64: string): Bytes {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}

function textOf(bytes: Bytes): string {
  return btoa(String.fromCharCode(...bytes));
}

function hex(bytes: Bytes): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
