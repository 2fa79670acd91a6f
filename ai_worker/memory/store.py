"""Puts memories away. Ids are derived from what is stored, so that a repeat is a no-op."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ai_worker.memory import full_text
from ai_worker.memory.chunks import Chunk, cut, embedded_text
from ai_worker.memory.embedder import Embeds, Vector
from ai_worker.memory.full_text import Segment
from ai_worker.memory.recall import as_halfvec
from ai_worker.words import Kind
from aiox.kernel.ids import derived_id
from aiox.runtime.clock import Clock
from aiox.runtime.postgres import Connection, Pool, owner_scope
from policy.storage import VECTOR_BYTES

_MEMORY: Final = """
    INSERT INTO agent_memories
        (id, owner_user_id, agent_id, scope, subject_jid, kind, document_id, ordinal, section, content, created_at,
         origin)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
    ON CONFLICT DO NOTHING"""
_VECTOR: Final = """
    INSERT INTO memory_vectors_384 (memory_id, owner_user_id, agent_id, scope, subject_jid, model, embedding)
    VALUES ($1, $2, $3, $4, $5, $6, $7::text::public.halfvec(384))
    ON CONFLICT DO NOTHING"""
_CHUNKS: Final = """
    SELECT id, section, content FROM agent_memories
    WHERE owner_user_id = $1 AND agent_id = $2 AND document_id = $3 ORDER BY ordinal"""
_FACT: Final = """
    SELECT content FROM agent_memories
    WHERE owner_user_id = $1 AND agent_id = $2 AND scope = 'subject' AND subject_jid = $3 AND id = $4"""
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended('memory:' || $1, 0))"
_DOCUMENT: Final = "SELECT true FROM documents WHERE owner_user_id = $1 AND agent_id = $2 AND id = $3"

BATCH: Final = 64
"""Passages that are embedded between two reports of how far a document is."""
_ROWS: Final = 500
"""Rows in one statement: each has the time that the database gives a statement."""


class NoSuchDocument(Exception):
    """The agent has no document of this id."""


class NoRoom(Exception):
    """The passages would take more than the memory has room for."""


@dataclass(frozen=True, slots=True)
class Document:
    """A text to know: `markdown` has headings, else paragraphs alone count.

    `room_bytes`: what its passages may take, with their vectors; None: as much as they need. `subject` is whose it is
    alone, a bare JID; empty: for all who may invoke the agent.
    """

    id: UUID
    title: str
    text: str
    markdown: bool
    room_bytes: int | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Store:
    """Long-term memory, written. Raises asyncpg.PostgresError or OSError from each method; nothing is half stored."""

    pool: Pool
    embedder: Embeds
    clock: Clock

    async def document(self, owner: UUID, agent: UUID, document: Document) -> int:
        """Stores a document's passages; returns how many. Raises as `steps` does."""
        return [passages async for _, passages in self.steps(owner, agent, document)][-1]

    async def steps(self, owner: UUID, agent: UUID, document: Document) -> AsyncIterator[tuple[int, int]]:
        """The same, telling after each batch how many passages are embedded, of how many. The last one says that all
        are stored; until then nothing is. Raises NoSuchDocument, NoRoom.
        """
        # Cutting a long text takes seconds: beside the event loop. PostgreSQL's text cannot hold NUL.
        text = document.text.replace("\x00", "")
        chunks = await asyncio.to_thread(cut, text, self.embedder.count, markdown=document.markdown)
        if document.room_bytes is not None and stored_bytes(chunks) > document.room_bytes:
            raise NoRoom
        texts, vectors = [embedded_text(chunk) for chunk in chunks], []
        for start in range(0, len(texts), BATCH):
            yield start, len(chunks)
            vectors += await self.embedder.embed(texts[start : start + BATCH], patient=True)
        async with owner_scope(self.pool, owner, agent, document.subject) as connection:
            if not await connection.fetchval(_DOCUMENT, owner, agent, document.id):
                raise NoSuchDocument(str(document.id))
            await self._chunks(connection, owner, agent, document, chunks, vectors)
            segment = Segment(owner, agent, document.subject, document.id, is_document=True)
            await full_text.keep(connection, segment, texts)
        yield len(chunks), len(chunks)

    async def fact(self, owner: UUID, agent: UUID, subject: str, fact: str) -> UUID:
        """Stores what `subject` (a bare JID) asked to remember, usable in that subject's turns only."""
        return (await self._fact(owner, agent, subject, fact, "asked"))[0]

    async def learnt(self, owner: UUID, agent: UUID, subject: str, fact: str) -> bool:
        """The same for what `subject` said of themselves and did not ask to remember; false when it was known."""
        return (await self._fact(owner, agent, subject, fact, "learnt"))[1]

    async def _fact(self, owner: UUID, agent: UUID, subject: str, fact: str, origin: str) -> tuple[UUID, bool]:
        """Its id, and whether it is new."""
        fact = fact.replace("\x00", "")
        # The same words once more are the same memory; case and spacing do not count.
        memory_id = derived_id(agent, "\x1f".join(("fact", subject, " ".join(fact.casefold().split()))))
        (vector,) = await self.embedder.embed([fact], owner)
        scope = (owner, agent, "subject", subject)
        async with owner_scope(self.pool, owner, agent, subject) as connection:
            now = self.clock.now()
            done = await connection.execute(_MEMORY, memory_id, *scope, Kind.FACT, None, 0, "", fact, now, origin)
            await connection.execute(_VECTOR, memory_id, *scope, self.embedder.model, as_halfvec(vector))
            await full_text.keep(connection, Segment(owner, agent, subject, memory_id, is_document=False), [fact])
        return memory_id, done != "INSERT 0 0"

    async def again(
        self, owner: UUID, agent: UUID, document_id: UUID, subject: str = ""
    ) -> AsyncIterator[tuple[int, int]]:
        """Embeds the passages of a document that is stored, with the model of now: how many, of how many.

        Vectors of other models stay; passages and words are not touched. Raises NoSuchDocument.
        """
        async with owner_scope(self.pool, owner, agent, subject) as connection:
            if not await connection.fetchval(_DOCUMENT, owner, agent, document_id):
                raise NoSuchDocument(str(document_id))
            rows = await connection.fetch(_CHUNKS, owner, agent, document_id)
        scope = (owner, agent, "subject" if subject else "agent", subject)
        for start in range(0, len(rows), BATCH):
            yield start, len(rows)
            some = rows[start : start + BATCH]
            texts = [embedded_text(Chunk(0, row["section"], row["content"])) for row in some]
            vectors = await self.embedder.embed(texts, patient=True)
            stored = [
                (row["id"], *scope, self.embedder.model, as_halfvec(vector))
                for row, vector in zip(some, vectors, strict=True)
            ]
            async with owner_scope(self.pool, owner, agent, subject) as connection:
                if not await connection.fetchval(_DOCUMENT, owner, agent, document_id):
                    raise NoSuchDocument(str(document_id))
                await connection.executemany(_VECTOR, stored)
        yield len(rows), len(rows)

    async def entry_again(self, owner: UUID, agent: UUID, subject: str, memory_id: UUID) -> bool:
        """Embeds one entry about a person as it stands, with its words; false when there is none of this id."""
        async with owner_scope(self.pool, owner, agent, subject) as connection:
            content = await connection.fetchval(_FACT, owner, agent, subject, memory_id)
        if content is None:
            return False
        (vector,) = await self.embedder.embed([content], patient=True)
        scope = (owner, agent, "subject", subject)
        async with owner_scope(self.pool, owner, agent, subject) as connection:
            # Whoever changes it waits; it may have been changed already: then the newer text is embedded next.
            await connection.execute(_LOCK, str(memory_id))
            if await connection.fetchval(_FACT, owner, agent, subject, memory_id) != content:
                return False
            await connection.execute(_VECTOR, memory_id, *scope, self.embedder.model, as_halfvec(vector))
            await full_text.keep(connection, Segment(owner, agent, subject, memory_id, is_document=False), [content])
        return True

    async def _chunks(
        self,
        connection: Connection,
        owner: UUID,
        agent: UUID,
        document: Document,
        chunks: list[Chunk],
        vectors: list[Vector],
    ) -> None:
        now = self.clock.now()
        scope = (owner, agent, "subject" if document.subject else "agent", document.subject)
        memories, rows = [], []
        for chunk, vector in zip(chunks, vectors, strict=True):
            one = chunk_id(document.id, chunk)
            place = document.id, chunk.ordinal, chunk.section
            memories.append((one, *scope, Kind.CHUNK, *place, chunk.content, now, ""))
            rows.append((one, *scope, self.embedder.model, as_halfvec(vector)))
        for start in range(0, len(rows), _ROWS):
            await connection.executemany(_MEMORY, memories[start : start + _ROWS])
            await connection.executemany(_VECTOR, rows[start : start + _ROWS])


def stored_bytes(chunks: Sequence[Chunk]) -> int:
    """What passages take, each with its vector, as the quota counts them (registry/migrations/storage.py)."""
    return sum(len(one.content.encode()) + len(one.section.encode()) + VECTOR_BYTES for one in chunks)


def chunk_id(document_id: UUID, chunk: Chunk) -> UUID:
    """The id of a passage: the same for the same text at the same place of the same document."""
    digest = hashlib.sha256(f"{chunk.section}\x1f{chunk.content}".encode()).hexdigest()
    return derived_id(document_id, f"chunk\x1f{chunk.ordinal}\x1f{digest}")
