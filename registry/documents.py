"""Documents that agents know. The text is sealed with the tenant's key; chunks and vectors are the worker's."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Connection, Pool, owner_scope


class DocumentState(StrEnum):
    """How far a document has come on its way into memory."""

    WAITING = "waiting"
    READY = "ready"
    FAILED = "failed"


class Stored(StrEnum):
    """What storing a document did."""

    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class WaitingDocument:
    """A document that nobody has embedded yet."""

    id: UUID
    owner: OwnerId
    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """A document with its sealed text, which opens at `place` with the tenant's ring."""

    id: UUID
    owner: OwnerId
    agent_id: AgentId
    title: str
    source: str
    media_type: str
    embedding_model: str
    sealed: bytes

    @property
    def place(self) -> Place:
        """Where the sealed text belongs."""
        return content_place(self.owner, self.id)

    def open(self, ring: KeyRing) -> str:
        """The text in clear. Raises CannotOpen."""
        return ring.open(self.sealed, self.place).decode()


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to be stored. `source` is its stable name within the agent: a path or an address."""

    id: UUID
    owner: OwnerId
    agent_id: AgentId
    title: str
    source: str
    media_type: str
    content: str
    embedding_model: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """What the owner sees of a document. `bytes` is the size of its text in UTF-8."""

    id: UUID
    title: str
    source: str
    media_type: str
    bytes: int
    state: DocumentState
    chunks: int
    error: str
    created_at: datetime


def content_place(owner: OwnerId, document_id: UUID) -> Place:
    """What binds a sealed text to its document."""
    return Place(owner, "documents", "content", document_id)


async def put(connection: Connection, ring: KeyRing, document: NewDocument) -> tuple[Stored, UUID]:
    """Stores a document; a different one from the same source is replaced with all its chunks and vectors.

    `connection` is in the owner's scope; `ring` is the tenant's. Two writers of one source take turns on the agent's
    lock, so the later one replaces. A failed document is tried again. Returns what happened and the id that stands.
    """
    content = document.content.encode()
    sha256 = hashlib.sha256(content).digest()
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"documents:{document.agent_id}:{document.source}"
    )
    old = await connection.fetchrow(
        "SELECT id, sha256, state, title, media_type FROM documents"
        " WHERE owner_user_id = $1 AND agent_id = $2 AND source = $3",
        document.owner,
        document.agent_id,
        document.source,
    )
    if old is not None:
        same = bytes(old["sha256"]) == sha256 and old["title"] == document.title
        if same and old["media_type"] == document.media_type and old["state"] != DocumentState.FAILED:
            return Stored.UNCHANGED, old["id"]
        await connection.execute(
            "DELETE FROM documents WHERE owner_user_id = $1 AND id = $2", document.owner, old["id"]
        )
    await _insert(connection, ring, document, content, sha256)
    return (Stored.CREATED if old is None else Stored.REPLACED), document.id


async def _insert(connection: Connection, ring: KeyRing, document: NewDocument, content: bytes, sha256: bytes) -> None:
    await connection.execute(
        "INSERT INTO documents (id, owner_user_id, agent_id, title, source, media_type, sha256, bytes, content,"
        " embedding_model, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        document.id,
        document.owner,
        document.agent_id,
        document.title,
        document.source,
        document.media_type,
        sha256,
        len(content),
        ring.seal(content, content_place(document.owner, document.id)),
        document.embedding_model,
        document.created_at,
    )


async def list_of_agent(pool: Pool, owner: OwnerId, agent_id: AgentId) -> Sequence[DocumentSummary]:
    """The documents of one of this owner's agents, by source."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT id, title, source, media_type, bytes, state, chunks, error, created_at FROM documents"
            " WHERE owner_user_id = $1 AND agent_id = $2 ORDER BY source",
            owner,
            agent_id,
        )
    return [
        DocumentSummary(
            id=row["id"],
            title=row["title"],
            source=row["source"],
            media_type=row["media_type"],
            bytes=row["bytes"],
            state=DocumentState(row["state"]),
            chunks=row["chunks"],
            error=row["error"],
            created_at=row["created_at"],
        )
        for row in rows
    ]


async def find_waiting(pool: Pool, limit: int) -> Sequence[WaitingDocument]:
    """Documents of all owners that wait to be embedded and are due, those tried least often first, then the oldest.

    One that was tried waits 10 s for each attempt. For the orchestrator's role only.
    """
    rows = await pool.fetch("SELECT document_id, owner_user_id, agent_id FROM find_documents($1)", limit)
    return [
        WaitingDocument(row["document_id"], OwnerId(row["owner_user_id"]), AgentId(row["agent_id"])) for row in rows
    ]


async def load_content(pool: Pool, owner: OwnerId, document_id: UUID) -> DocumentContent | None:
    """A document of this owner with its sealed text; None when it is gone, for instance replaced meanwhile."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT agent_id, title, source, media_type, embedding_model, content FROM documents"
            " WHERE owner_user_id = $1 AND id = $2 AND content IS NOT NULL",
            owner,
            document_id,
        )
    if row is None:
        return None
    return DocumentContent(
        id=document_id,
        owner=owner,
        agent_id=AgentId(row["agent_id"]),
        title=row["title"],
        source=row["source"],
        media_type=row["media_type"],
        embedding_model=row["embedding_model"],
        sealed=bytes(row["content"]),
    )


async def count_attempt(pool: Pool, owner: OwnerId, document_id: UUID) -> int:
    """Counts one more try to embed a document; returns how many there were, this one with them. 0 when it is gone."""
    async with owner_scope(pool, owner) as connection:
        tries = await connection.fetchval(
            "UPDATE documents SET attempts = attempts + 1, tried_at = clock_timestamp()"
            " WHERE owner_user_id = $1 AND id = $2 RETURNING attempts",
            owner,
            document_id,
        )
    return tries or 0


async def mark_ready(pool: Pool, owner: OwnerId, document_id: UUID, chunks: int) -> bool:
    """The document stands in memory as `chunks` chunks. False when it is gone meanwhile."""
    return await _mark(pool, owner, document_id, DocumentState.READY, chunks, "")


async def mark_failed(pool: Pool, owner: OwnerId, document_id: UUID, error: str) -> bool:
    """The document could not be embedded; `error` is a sentence for its owner. False when it is gone meanwhile."""
    return await _mark(pool, owner, document_id, DocumentState.FAILED, 0, error[:500])


async def _mark(pool: Pool, owner: OwnerId, document_id: UUID, state: DocumentState, chunks: int, error: str) -> bool:
    async with owner_scope(pool, owner) as connection:
        done = await connection.execute(
            "UPDATE documents SET state = $3, chunks = $4, error = $5 WHERE owner_user_id = $1 AND id = $2",
            owner,
            document_id,
            state,
            chunks,
            error,
        )
    return done != "UPDATE 0"
