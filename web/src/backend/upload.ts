import { Refused, Unreachable } from "./ask";
import type { Api } from "./api";

type Progress = (share: number) => void;

/** Sends a file to an agent's documents. `onProgress` hears the share that is sent, 0 to 1. Throws Refused, Unreachable. */
export async function uploadDocument(api: Api, agentId: string, file: File, onProgress: Progress): Promise<void> {
  await api.get("/v1/account"); // a fresh token first: a long upload must not end with "sign in again"
  const path = `/v1/agents/${encodeURIComponent(agentId)}/documents?name=${encodeURIComponent(file.name)}`;
  const headers = {
    authorization: `Bearer ${api.tokens.current()}`,
    "content-type": "application/octet-stream",
  };
  const answer = await sent("POST", path, headers, file, onProgress);
  if (answer.status >= 300) throw problemIn(answer.responseText);
}

/** Puts a file where the XMPP server has made room for it (XEP-0363), by way of the gateway. Throws Unreachable. */
export async function putFile(slot: string, file: File, onProgress: Progress): Promise<void> {
  const place = new URL(slot).pathname.split("/").slice(-3).join("/");
  const headers = { "content-type": file.type === "" ? "application/octet-stream" : file.type };
  const answer = await sent("PUT", `/xmpp-upload/${place}`, headers, file, onProgress);
  if (answer.status !== 201) throw new Unreachable();
}

function sent(
  method: string,
  path: string,
  headers: Record<string, string>,
  file: File,
  onProgress: Progress,
): Promise<XMLHttpRequest> {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far it is
    request.open(method, path);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.total === 0 ? 0 : event.loaded / event.total);
    request.onerror = () => failed(new Unreachable());
    request.onload = () => done(request);
    request.send(file);
  });
}

function problemIn(text: string): Error {
  try {
    return new Refused(JSON.parse(text));
  } catch {
    return new Unreachable();
  }
}
