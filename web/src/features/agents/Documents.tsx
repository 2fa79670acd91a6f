import { useState, type DragEvent } from "react";
import { useQueryClient } from "@tanstack/react-query";

import { Refused } from "../../backend/ask";
import { useApi, useChange, useRead } from "../../backend/hooks";
import type { DocumentState } from "../../backend/types";
import { uploadDocument } from "../../backend/upload";
import { useFormat } from "../../shared/format";
import { useTexts } from "../../shared/i18n";
import { Badge, Button, Empty, Table, Trouble, Waiting, type Tone } from "../../shared/ui/parts";

const LOOK_MS = 2000;
const PATH = "/v1/agents/{agent_id}/documents";

const TONES: Record<DocumentState, Tone> = {
  waiting: "wait",
  parsing: "wait",
  embedding: "wait",
  ready: "good",
  reindexing: "wait",
  failed: "bad",
};

interface Upload {
  id: string;
  name: string;
  share: number;
  problem: string;
}

/** What the agent answers from. */
export function Documents({ agentId }: { agentId: string }) {
  const texts = useTexts();
  const format = useFormat();
  const documents = useRead(PATH, { path: { agent_id: agentId } }, { everyMs: LOOK_MS });
  const remove = useChange(
    (api, id: string) =>
      api.delete("/v1/agents/{agent_id}/documents/{document_id}", { path: { agent_id: agentId, document_id: id } }),
    [PATH],
  );
  const found = documents.data?.items ?? [];
  return (
    <div className="stack">
      <Uploads agentId={agentId} />
      <Trouble error={documents.error ?? remove.error} />
      {documents.isPending && <Waiting />}
      {documents.data !== undefined && found.length === 0 && (
        <Empty title={texts.documents.noneTitle} words={texts.documents.noneWords} />
      )}
      {found.length > 0 && (
        <Table label={texts.agents.parts.documents} heads={[texts.documents.title, texts.documents.state, texts.documents.size, texts.actions]}>
          {found.map((one) => (
            <tr key={one.id}>
              <td>
                {one.title}
                {one.error !== "" && <p className="quiet small">{one.error}</p>}
              </td>
              <td>
                <Badge tone={TONES[one.state]}>{texts.documents.states[one.state]}</Badge>
                <p className="quiet small">{texts.documents.passages(one.embedded, one.chunks)}</p>
              </td>
              <td>{format.bytes(one.bytes)}</td>
              <td>
                <Button compact kind="danger" disabled={remove.isPending} onClick={() => remove.mutate(one.id)}>
                  {texts.delete}
                </Button>
              </td>
            </tr>
          ))}
        </Table>
      )}
    </div>
  );
}

function Uploads({ agentId }: { agentId: string }) {
  const texts = useTexts();
  const api = useApi();
  const kept = useQueryClient();
  const [over, setOver] = useState(false);
  const [uploads, setUploads] = useState<readonly Upload[]>([]);

  const send = async (file: File) => {
    const id = crypto.randomUUID();
    const put = (part: Partial<Upload>) =>
      setUploads((before) => before.map((one) => (one.id === id ? { ...one, ...part } : one)));
    setUploads((before) => [...before, { id, name: file.name, share: 0, problem: "" }]);
    try {
      await uploadDocument(api, agentId, file, (share) => put({ share }));
      setUploads((before) => before.filter((one) => one.id !== id));
      await kept.invalidateQueries({ queryKey: [PATH] });
    } catch (error) {
      put({ problem: error instanceof Refused ? error.message : texts.unreachable });
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    for (const file of event.dataTransfer.files) void send(file);
  };
  return (
    <div
      className={`drop ${over ? "over" : ""}`}
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <label className="button">
        {texts.documents.choose}
        <input
          type="file"
          multiple
          className="sr-only"
          onChange={(event) => {
            for (const file of event.target.files ?? []) void send(file);
            event.target.value = "";
          }}
        />
      </label>
      <p className="quiet small">{texts.documents.dropHere}</p>
      {uploads.map((one) => (
        <div key={one.id} className="stack tight">
          <label htmlFor={one.id}>{one.name}</label>
          {one.problem === "" ? <progress id={one.id} value={one.share} max={1} /> : <Trouble error={one.problem} />}
        </div>
      ))}
    </div>
  );
}
