/** Empty text when the hub is ready, else what is missing. */
export async function missingParts(signal: AbortSignal): Promise<string> {
  const response = await fetch("/readyz", { signal, credentials: "omit" });
  return response.ok ? "" : (await response.text()).trim();
}
