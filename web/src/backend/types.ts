// The parts of /openapi.json that the pages use.

export interface Session {
  access_token: string;
  expires_in: number;
  session_id: string;
  jid: string;
  user_id: string;
}

export interface SessionInList {
  id: string;
  client: string;
  address: string;
  created_at: string;
  last_used_at: string;
  current: boolean;
}

export type Visibility = "private" | "shared" | "public";
export type DocumentState = "waiting" | "parsing" | "embedding" | "ready" | "reindexing" | "failed";

export interface Agent {
  agent_id: string;
  jid: string;
  alias: string;
  profile: { name: string; description: string; avatar: string };
  visibility: Visibility;
  active_version: number;
  has_draft: boolean;
  documents: { ready: number; waiting: number; failed: number };
  created_at: string;
  deleted_at: string | null;
}

export interface AgentDocument {
  id: string;
  title: string;
  source: string;
  media_type: string;
  bytes: number;
  state: DocumentState;
  chunks: number;
  error: string;
  created_at: string;
}

/** RFC 9457. */
export interface Problem {
  title: string;
  status: number;
  code: string;
  detail?: string;
}
