"""What is in memory and has no vector of the hub's model: entries that wait, and documents (revision 0025).

For the orchestrator's role only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.postgres import Pool, owner_scope
from registry.documents import DocumentState


@dataclass(frozen=True, slots=True)
class Unembedded:
    """An entry about `subject`, a bare JID, that waits for its vector."""

    id: UUID
    owner: OwnerId
    agent_id: AgentId
    subject: str


@dataclass(frozen=True, slots=True)
class StaleDocument:
    """A document whose passages another model has embedded. `subject` is whose it is; empty: the agent's own."""

    id: UUID
    owner: OwnerId
    agent_id: AgentId
    subject: str = ""


async def queue_unembedded(pool: Pool, model: str) -> int:
    """Has all entries of all owners wait that have no vector of this model; returns how many are new."""
    return int(await pool.fetchval("SELECT queue_unembedded($1)", model))


async def find_unembedded(pool: Pool, limit: int) -> Sequence[Unembedded]:
    """Entries that wait and are due, those tried least often first: 10 s later for each try, an hour at most."""
    rows = await pool.fetch("SELECT memory_id, owner_user_id, agent_id, subject_jid FROM find_unembedded($1)", limit)
    return [
        Unembedded(row["memory_id"], OwnerId(row["owner_user_id"]), AgentId(row["agent_id"]), row["subject_jid"])
        for row in rows
    ]


async def count_attempt(pool: Pool, waiting: Unembedded) -> int:
    """Claims an entry for one more try; the number of it. 0 when it is gone, or another orchestrator was faster."""
    async with owner_scope(pool, waiting.owner) as connection:
        number = await connection.fetchval(
            "UPDATE memories_waiting SET attempts = attempts + 1, tried_at = clock_timestamp()"
            " WHERE owner_user_id = $1 AND memory_id = $2 AND (tried_at IS NULL"
            " OR tried_at < clock_timestamp() - make_interval(secs => least(10 * attempts, 3600)))"
            " RETURNING attempts",
            waiting.owner,
            waiting.id,
        )
    return number or 0


async def entry_done(pool: Pool, embedded: Unembedded, attempt: int, model: str) -> None:
    """It has its vector. One that was changed meanwhile waits on, for it was put there anew."""
    async with owner_scope(pool, embedded.owner) as connection:
        await connection.execute(
            "DELETE FROM memories_waiting WHERE owner_user_id = $1 AND memory_id = $2 AND attempts = $3",
            embedded.owner,
            embedded.id,
            attempt,
        )
    await drop_other_vectors(pool, embedded.owner, None, embedded.id, model)


async def find_stale(pool: Pool, model: str, limit: int) -> Sequence[StaleDocument]:
    """Documents of all owners in memory that another model has embedded, the oldest first.

    One that was tried within a minute, or is being embedded by somebody who was heard of within three, is left out.
    """
    rows = await pool.fetch(
        "SELECT document_id, owner_user_id, agent_id FROM find_stale_documents($1, $2)", model, limit
    )
    return [StaleDocument(row["document_id"], OwnerId(row["owner_user_id"]), AgentId(row["agent_id"])) for row in rows]


async def claim(pool: Pool, stale: StaleDocument, model: str) -> StaleDocument | None:
    """Takes a document; with whose it is. None when it is gone, or another orchestrator was faster."""
    async with owner_scope(pool, stale.owner) as connection:
        row = await connection.fetchrow(
            "UPDATE documents SET state = $4, embedded = 0, tried_at = clock_timestamp()"
            " WHERE owner_user_id = $1 AND id = $2 AND embedding_model <> $3 AND (tried_at IS NULL"
            " OR tried_at < clock_timestamp() - make_interval(mins => CASE state WHEN 'ready' THEN 1 ELSE 3 END))"
            " AND state IN ('ready', 'reindexing') RETURNING subject_jid",
            stale.owner,
            stale.id,
            model,
            DocumentState.REINDEXING,
        )
    if row is None:
        return None
    return StaleDocument(stale.id, stale.owner, stale.agent_id, row["subject_jid"])


async def drop_other_vectors(pool: Pool, owner: OwnerId, document: UUID | None, entry: UUID | None, model: str) -> int:
    """Deletes what other models have made of a document's passages, or of an entry; returns how many vectors."""
    return int(await pool.fetchval("SELECT drop_other_vectors($1, $2, $3, $4)", owner, document, entry, model))
