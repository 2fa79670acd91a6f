"""What agents remember about a person, for that person: read, written and forgotten by entry (revision 0025).

Found across owners by the person's address, so through functions that hand out nothing else. A file that the person
has sent is one entry; an owner's documents are not here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Connection, Pool
from registry import chat_files

FILE: Final = "file"
SUMMARY: Final = "summary"


@dataclass(frozen=True, slots=True)
class Remembered:
    """One entry. `kind` is fact, summary or file, whose name is its content.

    `origin` is how a fact came: asked, learnt or written; empty for the others.
    """

    id: UUID
    kind: str
    content: str
    origin: str
    created_at: datetime


async def of_subject(pool: Pool, agent: AgentId, subject: BareJid) -> Sequence[Remembered]:
    """What an agent remembers about this person, oldest first; the summary last, so that it moves no entry's number."""
    rows = await pool.fetch("SELECT * FROM memories_of($1, $2) WHERE kind <> 'chunk'", agent, subject)
    told = [Remembered(row["id"], row["kind"], row["content"], row["origin"], row["created_at"]) for row in rows]
    files = await chat_files.of_subject(pool, agent, subject)
    sent = [Remembered(one.id, FILE, one.title, "", one.created_at) for one in files]
    return sorted([*told, *sent], key=lambda one: (one.kind == SUMMARY, one.created_at))


async def add(pool: Pool, agent: AgentId, subject: BareJid, entry: UUID, content: str, now: datetime) -> bool:
    """Stores a fact that this person wrote; it is found by the agent as soon as a worker has embedded it.

    False when there is one of this id, or no such agent.
    """
    return bool(await pool.fetchval("SELECT add_memory($1, $2, $3, $4, $5)", agent, subject, entry, content, now))


async def write(pool: Pool, agent: AgentId, subject: BareJid, old: Remembered, content: str) -> bool:
    """Puts another text in an entry's place, under the same id. False when it is not as `old` says any more."""
    return bool(
        await pool.fetchval("SELECT write_memory($1, $2, $3, $4, $5)", agent, subject, old.id, old.content, content)
    )


async def forget(
    pool: Pool | Connection, agent: AgentId, subject: BareJid, entries: Sequence[UUID] | None = None
) -> int:
    """Deletes these entries about this person, with their vectors and words; all of them without `entries`.

    Returns how many there were.
    """
    files = await chat_files.forget(pool, agent, subject, entries)  # first: with them go their passages
    return files + int(await pool.fetchval("SELECT forget_memories($1, $2, $3)", agent, subject, entries))
