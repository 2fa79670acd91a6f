import { useSyncExternalStore } from "react";

// Places stand behind the `#`: every one is a link that can be kept, and the hub serves one page for all of them.

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** The parts of the place that is shown: `#/agents/42/edit` is ["agents", "42", "edit"]. */
export function usePlace(): string[] {
  const hash = useSyncExternalStore(subscribe, () => location.hash);
  return hash
    .replace(/^#\/?/, "")
    .split("/")
    .filter((part) => part !== "")
    .map(decodeURIComponent);
}

/** The link to a place. */
export function to(...parts: string[]): string {
  return `#/${parts.map(encodeURIComponent).join("/")}`;
}

/** Goes to a place. */
export function go(...parts: string[]): void {
  location.hash = to(...parts);
}
