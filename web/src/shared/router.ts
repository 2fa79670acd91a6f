import { useSyncExternalStore } from "react";

// Places stand behind the `#`: every one is a link that can be kept, and the hub serves one page for all of them.

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

function useHash(): string {
  return useSyncExternalStore(subscribe, () => location.hash);
}

/** The parts of the place that is shown: `#/agents/42/edit` is ["agents", "42", "edit"]. */
export function usePlace(): string[] {
  const [path = ""] = useHash().split("?");
  return path
    .replace(/^#\/?/, "")
    .split("/")
    .filter((part) => part !== "")
    .map(decoded);
}

/** What a place is narrowed to: of `#/governance/audit?severity=error`, the words behind the question mark. */
export function useNarrowing(): URLSearchParams {
  const [, query = ""] = useHash().split("?");
  return new URLSearchParams(query);
}

/** Narrows the place that is shown, without a new entry in the browser's history; what is empty is left out. */
export function narrow(words: Record<string, string>): void {
  const [path = ""] = location.hash.split("?");
  const kept = Object.entries(words).filter(([, value]) => value !== "");
  const query = kept.length === 0 ? "" : `?${new URLSearchParams(kept)}`;
  history.replaceState(null, "", `${path}${query}`);
  dispatchEvent(new Event("hashchange"));
}

/** The link to a place. */
export function to(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Goes to a place. */
export function go(...parts: string[]): void {
  location.hash = to(...parts);
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
