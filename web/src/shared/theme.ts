import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";
export type Tongue = "en" | "pt-BR";

interface Look {
  theme: Theme;
  tongue: Tongue;
}

const KEPT = "aiox-look";
const CHANGED = "aiox-look-changed";

function kept(): string {
  try {
    return localStorage.getItem(KEPT) ?? "";
  } catch {
    return ""; // a browser that keeps nothing: the system's look each time
  }
}

function read(text: string): Look {
  const [theme, tongue] = text.split(" ");
  const own: Tongue = navigator.language.toLowerCase().startsWith("pt") ? "pt-BR" : "en";
  return {
    theme: theme === "light" || theme === "dark" ? theme : "system",
    tongue: tongue === "en" || tongue === "pt-BR" ? tongue : own,
  };
}

/** Puts theme and language on the page's root element. */
export function wear(): void {
  const look = read(kept());
  const root = document.documentElement;
  root.lang = look.tongue;
  if (look.theme === "system") delete root.dataset.theme;
  else root.dataset.theme = look.theme;
}

function subscribe(changed: () => void): () => void {
  addEventListener(CHANGED, changed);
  return () => removeEventListener(CHANGED, changed);
}

/** The look of the pages in this browser, and a way to change it. */
export function useLook(): [Look, (look: Look) => void] {
  const look = read(useSyncExternalStore(subscribe, kept));
  const change = (next: Look) => {
    try {
      localStorage.setItem(KEPT, `${next.theme} ${next.tongue}`);
    } catch {
      return;
    }
    wear();
    dispatchEvent(new Event(CHANGED));
  };
  return [look, change];
}
