"""How documents begin: what a turn reads of a file that came with its message, however the question is put."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ai_worker.words import Kind, Passage
from aiox.runtime.postgres import Pool, owner_scope

MOST: Final = 12
"""Passages of all files together; what does not fit the model is left out behind that."""
_FIRST: Final = """
    SELECT m.id, m.document_id, m.section, m.content, d.title FROM agent_memories m
    JOIN documents d ON d.owner_user_id = $1 AND d.id = m.document_id
    WHERE m.owner_user_id = $1 AND m.agent_id = $2 AND m.document_id = ANY ($3::uuid[])
      AND (m.scope = 'agent' OR (m.scope = 'subject' AND m.subject_jid = $4))
    ORDER BY m.ordinal, array_position($3::uuid[], m.document_id) LIMIT $5"""


@dataclass(frozen=True, slots=True)
class Openings:
    """Long-term memory, read from its beginning. Row-level security holds beneath the names in the query."""

    pool: Pool

    async def passages(self, owner: UUID, agent: UUID, subject: str, documents: Sequence[UUID]) -> tuple[Passage, ...]:
        """The first passages of these documents, of each in turn. Raises asyncpg.PostgresError or OSError."""
        async with owner_scope(self.pool, owner, agent, subject) as connection:
            rows = await connection.fetch(_FIRST, owner, agent, list(documents), subject, MOST)
        return tuple(
            Passage(
                memory_id=row["id"],
                document_id=row["document_id"],
                kind=Kind.CHUNK,
                title=row["title"],
                section=row["section"],
                content=row["content"],
                distance=0.0,
            )
            for row in rows
        )
