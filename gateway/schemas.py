"""What the API answers, as JSON. What it takes are the fields of the commands themselves."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from aiox.kernel.agent import AgentSpec, Descriptor, Visibility
from aiox.kernel.errors import ErrorCode
from gateway.errors import MEDIA_TYPE, STATUS
from policy.workers import Standing
from registry.documents import DocumentState, Stored


class _Out(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Problem(_Out):
    """An RFC 9457 problem document. `code` is stable."""

    type: str
    title: str
    status: int
    code: ErrorCode
    detail: str | None = None


class Session(_Out):
    """An access token, valid for `expires_in` seconds."""

    access_token: str
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 -- the name of the scheme
    expires_in: int
    jid: str
    user_id: UUID


class DocumentCounts(_Out):
    """How many of an agent's documents are in which state."""

    ready: int
    waiting: int
    failed: int


class AgentInList(_Out):
    """An agent in its owner's list."""

    agent_id: UUID
    jid: str
    name: str
    description: str
    visibility: Visibility
    active_version: int
    documents: DocumentCounts
    created_at: datetime


class AgentList(_Out):
    """All agents of the signed-in account."""

    items: Sequence[AgentInList]


class CreatedAgent(_Out):
    """Where the new agent answers."""

    agent_id: UUID
    jid: str
    version: int
    policy_hash: str


class AgentOut(_Out):
    """An agent as its owner sees it."""

    agent_id: UUID
    owner_user_id: UUID
    jid: str
    version: int
    policy_hash: str
    spec: AgentSpec
    system_prompt: str
    shared_with: Sequence[str]
    descriptor: Descriptor
    created_at: datetime


class StoredDocument(_Out):
    """What storing a document did, and the document that stands now."""

    document_id: UUID
    stored: Stored


class DocumentOut(_Out):
    """A document and how far it is on its way into memory. `bytes` is the size of its text."""

    id: UUID
    title: str
    source: str
    media_type: str
    bytes: int
    state: DocumentState
    chunks: int
    error: str
    created_at: datetime


class DocumentList(_Out):
    """The documents of one agent."""

    items: Sequence[DocumentOut]


class ExecutionOut(_Out):
    """One turn in figures; times in milliseconds."""

    id: UUID
    agent_version_id: UUID | None
    subject_jid: str
    outcome: str
    tokens_used: int
    tools_called: Sequence[str]
    worker_id: str
    duration_ms: int
    platform_latency_ms: int
    worker_latency_ms: int
    correlation_id: UUID
    created_at: datetime


class ExecutionList(_Out):
    """The newest turns of one agent."""

    items: Sequence[ExecutionOut]


class DeadLetterOut(_Out):
    """A turn that was set aside after too many failed attempts. `closed_as` is empty, retried or dropped."""

    turn: UUID
    agent: UUID
    sender: str
    reason: str
    attempts: int
    correlation_id: UUID
    created_at: datetime
    closed_as: str


class DeadLetterShown(DeadLetterOut):
    """The same with the message itself, while it is kept."""

    text: str | None


class DeadLetterList(_Out):
    """Turns that wait for a decision, newest first."""

    items: Sequence[DeadLetterOut]


class WorkerOut(_Out):
    """A worker. `status` is the hub's judgement: healthy, degraded, draining or unavailable."""

    worker_id: str
    pool: str
    status: Standing
    active: int
    capacity: int
    mean_latency_ms: float
    memory_bytes: int
    last_heartbeat: datetime


class QueueOut(_Out):
    """The scaling signal: turns that wait, the longest wait in seconds, places, and how many workers are wanted."""

    depth: int
    oldest_wait_s: float
    busy: int
    places: int
    wanted_workers: int


class WorkerList(_Out):
    """The workers of the hub."""

    items: Sequence[WorkerOut]
    queue: QueueOut


_ALWAYS = (ErrorCode.RATE_LIMITED, ErrorCode.INTERNAL, ErrorCode.HUB_BUSY, ErrorCode.TIMEOUT)


def problems(*codes: ErrorCode) -> dict[int | str, dict[str, Any]]:
    """The problem responses of a route, for the OpenAPI document: these codes and those that any route may give."""
    found: dict[int | str, dict[str, Any]] = {}
    for code in (*codes, *_ALWAYS):
        entry = found.setdefault(STATUS[code], {"description": "", "content": {MEDIA_TYPE: _PROBLEM}})
        entry["description"] = ", ".join(filter(None, (entry["description"], str(code))))
    return found


_PROBLEM = {"schema": {"$ref": "#/components/schemas/Problem"}}
