/** What a link in a letter asks for. Its token stands behind the `#`, which no server sees. */
export interface Link {
  kind: "none" | "confirm" | "reset" | "invitation";
  token: string;
}

export const noLink: Link = { kind: "none", token: "" };

/** The link that this page was opened with. */
export function openedLink(): Link {
  const token = location.hash.startsWith("#token=") ? location.hash.slice("#token=".length) : "";
  const kind = (["confirm", "reset", "invitation"] as const).find((one) => location.search === `?${one}`);
  return kind === undefined || token === "" ? noLink : { kind, token };
}

/** Takes the token out of the address bar and the history. */
export function forgetLink(): void {
  history.replaceState(null, "", "/");
}
