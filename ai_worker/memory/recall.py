"""Finds what an agent knows about a question: over the vectors and words of one owner, agent and subject, exactly.

Each query names owner, agent and subject, and row-level security holds beneath even if the names were left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg
import numpy as np

from ai_worker.memory.embedder import Embeds, Vector
from ai_worker.memory.full_text import search
from ai_worker.memory.ranking import fused
from ai_worker.words import Kind, Passage
from aiox.runtime.postgres import Connection, Pool, owner_scope

_ANYTHING: Final = """
    SELECT EXISTS (
        SELECT FROM memory_vectors_384
        WHERE owner_user_id = $1 AND agent_id = $2 AND (scope = 'agent' OR (scope = 'subject' AND subject_jid = $3)))"""
_SUMMARY: Final = """
    SELECT id, content FROM agent_memories
    WHERE owner_user_id = $1 AND agent_id = $2 AND scope = 'subject' AND subject_jid = $3 AND kind = 'summary'
    ORDER BY created_at DESC, id LIMIT 1"""
_NEAREST: Final = """
    SELECT memory_id, embedding OPERATOR(public.<=>) $5::text::public.halfvec(384) AS distance
    FROM memory_vectors_384
    WHERE owner_user_id = $1 AND agent_id = $2 AND (scope = 'agent' OR (scope = 'subject' AND subject_jid = $3))
      AND model = $4
    ORDER BY distance, memory_id LIMIT $6"""
_PLACES: Final = """
    SELECT id, coalesce(document_id, id) AS segment, ordinal FROM agent_memories
    WHERE owner_user_id = $1 AND agent_id = $2
      AND ((document_id, ordinal) IN (SELECT * FROM unnest($3::uuid[], $4::int[])) OR id = ANY ($3::uuid[]))"""
_PASSAGES: Final = """
    SELECT m.id, m.document_id, m.kind, m.section, m.content, coalesce(d.title, '') AS title,
           coalesce(v.embedding OPERATOR(public.<=>) $4::text::public.halfvec(384), 2) AS distance
    FROM agent_memories m
    LEFT JOIN memory_vectors_384 v ON v.owner_user_id = $1 AND v.memory_id = m.id AND v.model = $6
    LEFT JOIN documents d ON d.owner_user_id = $1 AND d.id = m.document_id
    WHERE m.owner_user_id = $1 AND m.agent_id = $2 AND m.id = ANY ($3::uuid[])
      AND (m.scope = 'agent' OR (m.scope = 'subject' AND m.subject_jid = $5))"""

CANDIDATES: Final = 100
"""Passages that each way of searching brings to the fusion."""
ENOUGH_WORDS: Final = 0.6
"""A passage beyond `max_distance` is a memory all the same when it covers this share of the question's words."""


@dataclass(frozen=True, slots=True)
class Recall:
    """Long-term memory, read, by meaning and by words. `limit` passages at most.

    What is farther than `max_distance` (cosine, 0 to 2) and has not most of the question's words is no memory.
    """

    pool: Pool
    embedder: Embeds
    limit: int
    max_distance: float

    async def passages(self, owner: UUID, agent: UUID, subject: str, question: str) -> tuple[Passage, ...]:
        """The summary of what was said before, when there is one, then what answers the question, best first.

        Empty when nothing comes near. Nothing is embedded while nothing is stored. What was not embedded with this
        model yet is found by its words. Raises asyncpg.PostgresError or OSError.
        """
        anything, summary = await self._stored(owner, agent, subject)
        before = () if summary is None else (summary,)
        return (*before, *(await self._found(owner, agent, subject, question) if anything else ()))

    async def summary(self, owner: UUID, agent: UUID, subject: str) -> Passage | None:
        """What was said before, in short; None for a conversation that has no summary. Raises as above."""
        return (await self._stored(owner, agent, subject))[1]

    async def _found(self, owner: UUID, agent: UUID, subject: str, question: str) -> tuple[Passage, ...]:
        (vector,) = await self.embedder.embed([question], owner)
        asked = as_halfvec(vector)
        async with owner_scope(self.pool, owner, agent, subject) as connection:
            nearest = await connection.fetch(_NEAREST, owner, agent, subject, self.embedder.model, asked, CANDIDATES)
            near = [row["memory_id"] for row in nearest if row["distance"] <= self.max_distance]
            worded = await self._worded(connection, owner, agent, subject, question)
            known = {*near, *(one for one, share in worded.items() if share >= ENOUGH_WORDS)}
            best = [one for one in fused(near, worded) if one in known][: self.limit]
            model = self.embedder.model
            rows = await connection.fetch(_PASSAGES, owner, agent, best, asked, subject, model) if best else []
        found = {row["id"]: _passage(row) for row in rows}
        return tuple(found[one] for one in best if one in found)

    async def _worded(
        self, connection: Connection, owner: UUID, agent: UUID, subject: str, question: str
    ) -> dict[UUID, float]:
        """Memories that have words of the question, best first, each with the share it covers."""
        hits = await search(connection, owner, agent, subject, question, CANDIDATES)
        if not hits:
            return {}
        segments, ordinals = [hit.segment for hit in hits], [hit.ordinal for hit in hits]
        places = await connection.fetch(_PLACES, owner, agent, segments, ordinals)
        ids = {(row["segment"], row["ordinal"]): row["id"] for row in places}
        return {ids[hit.segment, hit.ordinal]: hit.share for hit in hits if (hit.segment, hit.ordinal) in ids}

    async def _stored(self, owner: UUID, agent: UUID, subject: str) -> tuple[bool, Passage | None]:
        """Whether there is anything to search, and the summary."""
        async with owner_scope(self.pool, owner, agent, subject) as connection:
            anything = bool(await connection.fetchval(_ANYTHING, owner, agent, subject))
            row = await connection.fetchrow(_SUMMARY, owner, agent, subject)
        # At no distance: it gives way last where a prompt has to be cut.
        summary = None if row is None else Passage(row["id"], None, Kind.SUMMARY, "", "", row["content"], 0.0)
        return anything, summary

    async def closeness(self, question: str, texts: Sequence[str]) -> list[float]:
        """Cosine of each text to the question, -1 to 1: which sentences of a passage to quote."""
        if not texts:
            return []
        asked, *vectors = await self.embedder.embed([question, *texts])
        return [float(np.dot(asked, vector)) for vector in vectors]


def _passage(row: asyncpg.Record) -> Passage:
    return Passage(
        memory_id=row["id"],
        document_id=row["document_id"],
        kind=Kind(row["kind"]),
        title=row["title"],
        section=row["section"],
        content=row["content"],
        distance=row["distance"],
    )


def as_halfvec(vector: Vector) -> str:
    """The text form that PostgreSQL reads as halfvec."""
    return "[" + ",".join(f"{value:.6g}" for value in vector) + "]"
