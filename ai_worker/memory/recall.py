"""Finds what an agent knows about a question: exact search over the vectors of one owner, agent and subject.

Each query names owner, agent and subject, and row-level security holds beneath even if the names were left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import numpy as np

from ai_worker.memory.embedder import Embeds, Vector
from ai_worker.words import Kind, Passage
from aiox.runtime.postgres import Pool, owner_scope

_ANYTHING: Final = """
    SELECT EXISTS (
        SELECT FROM memory_vectors_384
        WHERE owner_user_id = $1 AND agent_id = $2 AND (scope = 'agent' OR (scope = 'subject' AND subject_jid = $3))
          AND model = $4)"""
_NEAREST: Final = """
    SELECT m.id, m.document_id, m.kind, m.section, m.content, coalesce(d.title, '') AS title, v.distance
    FROM (
        SELECT memory_id, embedding OPERATOR(public.<=>) $5::text::public.halfvec(384) AS distance
        FROM memory_vectors_384
        WHERE owner_user_id = $1 AND agent_id = $2 AND (scope = 'agent' OR (scope = 'subject' AND subject_jid = $3))
          AND model = $4
        ORDER BY distance, memory_id LIMIT $6
    ) v
    JOIN agent_memories m ON m.owner_user_id = $1 AND m.id = v.memory_id AND m.agent_id = $2
    LEFT JOIN documents d ON d.owner_user_id = $1 AND d.id = m.document_id
    WHERE v.distance <= $7
    ORDER BY v.distance, m.id"""


@dataclass(frozen=True, slots=True)
class Recall:
    """Long-term memory, read. `limit` passages at most; beyond `max_distance` (cosine, 0 to 2) there is no memory."""

    pool: Pool
    embedder: Embeds
    limit: int
    max_distance: float

    async def passages(self, owner: UUID, agent: UUID, subject: str, question: str) -> tuple[Passage, ...]:
        """What comes near to the question, nearest first; empty when nothing does.

        Nothing is embedded while nothing is stored. Raises asyncpg.PostgresError or OSError.
        """
        if not await self._anything(owner, agent, subject):
            return ()
        (vector,) = await self.embedder.embed([question])
        async with owner_scope(self.pool, owner, agent, subject) as connection:
            rows = await connection.fetch(
                _NEAREST,
                owner,
                agent,
                subject,
                self.embedder.model,
                as_halfvec(vector),
                self.limit,
                self.max_distance,
            )
        return tuple(
            Passage(
                memory_id=row["id"],
                document_id=row["document_id"],
                kind=Kind(row["kind"]),
                title=row["title"],
                section=row["section"],
                content=row["content"],
                distance=row["distance"],
            )
            for row in rows
        )

    async def _anything(self, owner: UUID, agent: UUID, subject: str) -> bool:
        async with owner_scope(self.pool, owner, agent, subject) as connection:
            return bool(await connection.fetchval(_ANYTHING, owner, agent, subject, self.embedder.model))

    async def closeness(self, question: str, texts: Sequence[str]) -> list[float]:
        """Cosine of each text to the question, -1 to 1: which sentences of a passage to quote."""
        if not texts:
            return []
        asked, *vectors = await self.embedder.embed([question, *texts])
        return [float(np.dot(asked, vector)) for vector in vectors]


def as_halfvec(vector: Vector) -> str:
    """The text form that PostgreSQL reads as halfvec."""
    return "[" + ",".join(f"{value:.6g}" for value in vector) + "]"
