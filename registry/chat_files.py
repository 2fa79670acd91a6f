"""Files that a person has sent to an agent, for that person: looked at, waited for, forgotten (revision 0029).

Each is a document of scope `subject`: it is recalled in the turns of its sender alone, and the owner does not see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Connection, Pool, owner_scope
from registry.documents import DocumentState

ENDED: Final = frozenset({DocumentState.READY, DocumentState.FAILED})


@dataclass(frozen=True, slots=True)
class ChatFile:
    """One of them. `bytes` is its size."""

    id: UUID
    title: str
    bytes: int
    state: DocumentState
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a document is; `error` is a sentence about one that failed."""

    id: UUID
    state: DocumentState
    error: str


async def of_subject(pool: Pool, agent: AgentId, subject: BareJid) -> Sequence[ChatFile]:
    """What this person has sent to an agent, oldest first."""
    rows = await pool.fetch("SELECT * FROM files_of($1, $2)", agent, subject)
    return [
        ChatFile(row["id"], row["title"], row["bytes"], DocumentState(row["state"]), row["created_at"]) for row in rows
    ]


async def forget(pool: Pool | Connection, agent: AgentId, subject: BareJid, files: Sequence[UUID] | None = None) -> int:
    """Deletes these files of this person with all that was made of them; all without `files`. Returns how many."""
    return int(await pool.fetchval("SELECT forget_files($1, $2, $3)", agent, subject, files))


async def sweep(pool: Pool) -> int:
    """Deletes what people sent longer ago than the agent's retention_days; returns how many."""
    return int(await pool.fetchval("SELECT sweep_files()"))


async def progress(pool: Pool, owner: OwnerId, documents: Sequence[UUID]) -> Sequence[Progress]:
    """How far these documents of an owner are; one that is gone is left out."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT id, state, error FROM documents WHERE owner_user_id = $1 AND id = ANY ($2)", owner, list(documents)
        )
    return [Progress(row["id"], DocumentState(row["state"]), row["error"]) for row in rows]
