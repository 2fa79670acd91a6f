import { Refused, Unreachable } from "./ask";
import type { Api } from "./api";

/** Sends a file to an agent's documents. `onProgress` hears the share that is sent, 0 to 1. Throws Refused, Unreachable. */
export async function uploadDocument(
  api: Api,
  agentId: string,
  file: File,
  onProgress: (share: number) => void,
): Promise<void> {
  await api.get("/v1/account"); // a fresh token first: a long upload must not end with "sign in again"
  const path = `/v1/agents/${encodeURIComponent(agentId)}/documents?name=${encodeURIComponent(file.name)}`;
  await new Promise<void>((done, failed) => {
    const request = new XMLHttpRequest(); // fetch does not tell how far it is
    request.open("POST", path);
    request.setRequestHeader("authorization", `Bearer ${api.tokens.current()}`);
    request.setRequestHeader("content-type", "application/octet-stream");
    request.upload.onprogress = (event) => onProgress(event.total === 0 ? 0 : event.loaded / event.total);
    request.onerror = () => failed(new Unreachable());
    request.onload = () => {
      if (request.status < 300) done();
      else failed(problemIn(request.responseText));
    };
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
