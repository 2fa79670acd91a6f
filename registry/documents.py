"""Documents that agents know. The text, or the key of the file, is sealed with the tenant's key; chunks and vectors are
the worker's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final
from uuid import UUID

from asyncpg import Record

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Connection, Pool, owner_scope


class DocumentState(StrEnum):
    """How far a document has come on its way into memory."""

    WAITING = "waiting"
    PARSING = "parsing"
    EMBEDDING = "embedding"
    READY = "ready"
    REINDEXING = "reindexing"
    """In memory, found by its words, and being embedded with another model."""
    FAILED = "failed"


class Stored(StrEnum):
    """What storing a document did."""

    CREATED = "created"
    REPLACED = "replaced"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file in the object store, under the document's id: its own key, and digest and size of what was sealed."""

    key: bytes = field(repr=False)
    sha256: bytes
    bytes: int


@dataclass(frozen=True, slots=True)
class NewDocument:
    """A document to be stored. `source` is its stable name within the agent: a path or an address.

    Its text stands in the row, or it is a file in the object store that is read later. `subject` is the bare JID of the
    one correspondent whose it is, for their turns alone; empty: for all who may invoke the agent.
    """

    id: UUID
    owner: OwnerId
    agent_id: AgentId
    title: str
    source: str
    media_type: str
    content: str
    embedding_model: str
    created_at: datetime
    file: KeptFile | None = None
    subject: str = ""
    readable: bool = True
    """Whether it is to be read into memory; else it is kept as it is."""


@dataclass(frozen=True, slots=True)
class DocumentSummary:
    """What the owner sees of a document. `bytes` is the size of the file, or of the text in UTF-8.

    `chunks` passages were cut from it, `embedded` of which stand in memory.
    """

    id: UUID
    title: str
    source: str
    media_type: str
    bytes: int
    state: DocumentState
    chunks: int
    embedded: int
    error: str
    created_at: datetime
    is_file: bool


def content_place(owner: OwnerId, document_id: UUID) -> Place:
    """What binds a sealed text to its document."""
    return Place(owner, "documents", "content", document_id)


def key_place(owner: OwnerId, document_id: UUID) -> Place:
    """What binds the sealed key of a file to its document."""
    return Place(owner, "documents", "file_key", document_id)


def file_place(owner: OwnerId, document_id: UUID) -> Place:
    """What binds a file in the object store to its document."""
    return Place(owner, "documents", "file", document_id)


async def put(connection: Connection, ring: KeyRing, document: NewDocument) -> tuple[Stored, UUID]:
    """Stores a document; a different one from the same source is replaced with all its chunks and vectors.

    `connection` is in the owner's scope; `ring` is the tenant's. Two writers of one source take turns on the agent's
    lock, so the later one replaces. A failed document is tried again. Returns what happened and the id that stands.
    """
    content = document.content.encode()
    sha256 = document.file.sha256 if document.file else hashlib.sha256(content).digest()
    await connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))",
        f"documents:{document.agent_id}:{document.subject}:{document.source}",
    )
    old = await connection.fetchrow(
        "SELECT id, sha256, state, title, media_type FROM documents"
        " WHERE owner_user_id = $1 AND agent_id = $2 AND source = $3 AND subject_jid = $4",
        document.owner,
        document.agent_id,
        document.source,
        document.subject,
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
    text = None if document.file else ring.seal(content, content_place(document.owner, document.id))
    key = ring.seal(document.file.key, key_place(document.owner, document.id)) if document.file else None
    await connection.execute(
        "INSERT INTO documents (id, owner_user_id, agent_id, title, source, media_type, sha256, bytes, content,"
        " file_key, embedding_model, created_at, scope, subject_jid, state)"
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
        document.id,
        document.owner,
        document.agent_id,
        document.title,
        document.source,
        document.media_type,
        sha256,
        document.file.bytes if document.file else len(content),
        text,
        key,
        document.embedding_model,
        document.created_at,
        "subject" if document.subject else "agent",
        document.subject,
        DocumentState.WAITING if document.readable else DocumentState.READY,
    )


_SEEN: Final = """
    SELECT id, title, source, media_type, bytes, state, chunks, embedded, error, created_at,
           file_key IS NOT NULL AS is_file
    FROM documents WHERE owner_user_id = $1 AND agent_id = $2 AND scope = 'agent'"""


async def list_of_agent(pool: Pool, owner: OwnerId, agent_id: AgentId) -> Sequence[DocumentSummary]:
    """The documents of one of this owner's agents, by source. What people have sent to it in a chat is theirs."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(f"{_SEEN} ORDER BY source", owner, agent_id)
    return [_summary(row) for row in rows]


async def find(pool: Pool, owner: OwnerId, agent_id: AgentId, document_id: UUID) -> DocumentSummary | None:
    """One of them; None when this agent has no such document."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(f"{_SEEN} AND id = $3", owner, agent_id, document_id)
    return None if row is None else _summary(row)


async def find_named(pool: Pool, owner: OwnerId, agent_id: AgentId, subject: str, name: str) -> tuple[UUID, int] | None:
    """The id and the size in bytes of what this correspondent has of an agent under a title or source.

    Their own comes before the agent's, the newest first; None when there is none. Nobody else's is found.
    """
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT id, bytes FROM documents WHERE owner_user_id = $1 AND agent_id = $2 AND $4 IN (title, source)"
            " AND (scope = 'agent' OR subject_jid = $3) ORDER BY scope = 'agent', created_at DESC LIMIT 1",
            owner,
            agent_id,
            subject,
            name,
        )
    return None if row is None else (row["id"], row["bytes"])


async def delete(pool: Pool, owner: OwnerId, agent_id: AgentId, document_id: UUID) -> bool:
    """Deletes a document with its passages, words and vectors; its file goes seconds later, and cannot be opened from
    now on: its key went with the row. False when there is none.
    """
    async with owner_scope(pool, owner) as connection:
        done = await connection.execute(
            "DELETE FROM documents WHERE owner_user_id = $1 AND agent_id = $2 AND id = $3 AND scope = 'agent'",
            owner,
            agent_id,
            document_id,
        )
    return done != "DELETE 0"


async def load_key(pool: Pool, ring: KeyRing, owner: OwnerId, document_id: UUID) -> bytes | None:
    """The key of a document's file; None for one without a file. Raises CannotOpen."""
    async with owner_scope(pool, owner) as connection:
        sealed = await connection.fetchval(
            "SELECT file_key FROM documents WHERE owner_user_id = $1 AND id = $2", owner, document_id
        )
    return None if sealed is None else ring.open(bytes(sealed), key_place(owner, document_id))


def _summary(row: Record) -> DocumentSummary:
    return DocumentSummary(
        id=row["id"],
        title=row["title"],
        source=row["source"],
        media_type=row["media_type"],
        bytes=row["bytes"],
        state=DocumentState(row["state"]),
        chunks=row["chunks"],
        embedded=row["embedded"],
        error=row["error"],
        created_at=row["created_at"],
        is_file=row["is_file"],
    )
