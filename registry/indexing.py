"""Documents on their way into memory: found, claimed, read, and marked with how far each is. For the orchestrator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.keyring import KeyRing
from aiox.runtime.objects.port import ObjectStore
from aiox.runtime.postgres import Pool, owner_scope
from aiox.runtime.sealed_stream import opened
from registry.documents import DocumentState, content_place, file_place, key_place


@dataclass(frozen=True, slots=True)
class WaitingDocument:
    """A document that nobody has embedded yet."""

    id: UUID
    owner: OwnerId
    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class DocumentContent:
    """A document with what opens it. `agent_mb`: what its agent's memory may hold, in MiB."""

    id: UUID
    owner: OwnerId
    agent_id: AgentId
    title: str
    source: str
    media_type: str
    embedding_model: str
    agent_mb: int
    sealed: bytes | None
    file_key: bytes | None
    subject: str = ""
    """Whose it is alone; empty: for all who may invoke the agent."""

    async def open(self, ring: KeyRing, objects: ObjectStore) -> bytes:
        """The text in UTF-8, or the file. Raises CannotOpen, ObjectMissing, OSError."""
        if self.file_key is not None:
            key = ring.open(self.file_key, key_place(self.owner, self.id))
            pieces = opened(key, file_place(self.owner, self.id), objects.read(self.id))
            return b"".join([piece async for piece in pieces])
        return ring.open(self.sealed or b"", content_place(self.owner, self.id))


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
            "SELECT d.agent_id, d.title, d.source, d.media_type, d.embedding_model, d.content, d.file_key,"
            " d.subject_jid, (a.governance ->> 'max_memory_mb')::int AS agent_mb"
            " FROM documents d JOIN agents a ON a.owner_user_id = $1 AND a.id = d.agent_id"
            " WHERE d.owner_user_id = $1 AND d.id = $2 AND coalesce(d.content, d.file_key) IS NOT NULL",
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
        agent_mb=row["agent_mb"],
        sealed=row["content"],
        file_key=row["file_key"],
        subject=row["subject_jid"],
    )


async def count_attempt(pool: Pool, owner: OwnerId, document_id: UUID) -> int:
    """Claims a document that is due for one more try; returns how many there were, this one with them.

    0 when it is gone, or another orchestrator was faster.
    """
    async with owner_scope(pool, owner) as connection:
        tries = await connection.fetchval(
            "UPDATE documents SET attempts = attempts + 1, tried_at = clock_timestamp()"
            " WHERE owner_user_id = $1 AND id = $2 AND state NOT IN ('ready', 'failed')"
            " AND (tried_at IS NULL OR tried_at < clock_timestamp() - make_interval("
            "secs => CASE state WHEN 'waiting' THEN 10 * attempts ELSE 180 END))"
            " RETURNING attempts",
            owner,
            document_id,
        )
    return tries or 0


async def mark(pool: Pool, owner: OwnerId, document_id: UUID, state: DocumentState, chunks: int, embedded: int) -> bool:
    """How far it is: told to its owner, and to other orchestrators that somebody is at it. False when it is gone."""
    async with owner_scope(pool, owner) as connection:
        done = await connection.execute(
            "UPDATE documents SET state = $3, chunks = $4, embedded = $5, error = '', tried_at = clock_timestamp()"
            " WHERE owner_user_id = $1 AND id = $2",
            owner,
            document_id,
            state,
            chunks,
            embedded,
        )
    return done != "UPDATE 0"


async def mark_ready(
    pool: Pool, owner: OwnerId, document_id: UUID, chunks: int, media_type: str = "", model: str = ""
) -> bool:
    """The document stands in memory as `chunks` chunks. False when it is gone meanwhile.

    `media_type` is what its bytes are, `model` what embedded it; empty: as before.
    """
    async with owner_scope(pool, owner) as connection:
        done = await connection.execute(
            "UPDATE documents SET state = $3, chunks = $4, embedded = $4, error = '',"
            " media_type = coalesce(nullif($5, ''), media_type),"
            " embedding_model = coalesce(nullif($6, ''), embedding_model)"
            " WHERE owner_user_id = $1 AND id = $2",
            owner,
            document_id,
            DocumentState.READY,
            chunks,
            media_type,
            model,
        )
    return done != "UPDATE 0"


async def mark_failed(pool: Pool, owner: OwnerId, document_id: UUID, error: str) -> bool:
    """The document could not be embedded; `error` is a sentence for its owner. False when it is gone meanwhile."""
    async with owner_scope(pool, owner) as connection:
        done = await connection.execute(
            "UPDATE documents SET state = $3, chunks = 0, embedded = 0, error = $4"
            " WHERE owner_user_id = $1 AND id = $2",
            owner,
            document_id,
            DocumentState.FAILED,
            error[:500],
        )
    return done != "UPDATE 0"
