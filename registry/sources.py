"""What an answer rested on, for whom it was for: the ids of its ledger row, told in words (revision 0025)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool


@dataclass(frozen=True, slots=True)
class Source:
    """A memory that was recalled. `kind` is chunk, fact or summary; empty when it was deleted since.

    `title` and `section` of a document's passage; `content` of what is the person's own: told, learnt or summed up.
    """

    memory_id: UUID
    kind: str
    origin: str
    title: str
    section: str
    content: str
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class Rested:
    """A turn that was answered, and its sources in the order in which the model was shown them."""

    turn_id: UUID
    answered_at: datetime
    sources: tuple[Source, ...]


async def of_turn(pool: Pool, agent: AgentId, subject: BareJid, turn: UUID | None = None) -> Rested | None:
    """Of one answer to this person, or of the newest; None when there is none. Never of an answer to somebody else."""
    rows = await pool.fetch("SELECT * FROM find_sources($1, $2, $3)", agent, subject, turn)
    if not rows:
        return None
    found = [
        Source(
            memory_id=row["memory_id"],
            kind=row["kind"] or "",
            origin=row["origin"] or "",
            title=row["title"] or "",
            section=row["section"] or "",
            content=row["content"] or "",
            told_at=row["told_at"],
        )
        for row in rows
        if row["memory_id"] is not None
    ]
    return Rested(rows[0]["turn_id"], rows[0]["answered_at"], tuple(found))
