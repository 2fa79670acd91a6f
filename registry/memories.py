"""What agents remember about a person, for that person: read and forgotten entry by entry (revision 0020).

Found across owners by the person's address, so through functions that hand out nothing else. Documents are not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Connection, Pool


@dataclass(frozen=True, slots=True)
class Remembered:
    """One entry. `kind` is fact or summary."""

    id: UUID
    kind: str
    content: str
    created_at: datetime


async def of_subject(pool: Pool, agent: AgentId, subject: BareJid) -> Sequence[Remembered]:
    """What an agent remembers about this person, oldest first."""
    rows = await pool.fetch("SELECT * FROM memories_of($1, $2)", agent, subject)
    return [Remembered(row["id"], row["kind"], row["content"], row["created_at"]) for row in rows]


async def forget(
    pool: Pool | Connection, agent: AgentId, subject: BareJid, entries: Sequence[UUID] | None = None
) -> int:
    """Deletes these entries about this person, with their vectors and words; all of them without `entries`.

    Returns how many there were.
    """
    return int(await pool.fetchval("SELECT forget_memories($1, $2, $3)", agent, subject, entries))
