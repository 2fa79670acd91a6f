"""How agents end: deleted, restored, and purged when their time is over (revision 0009)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.postgres import Connection, Pool
from policy.ledger import Record


async def delete(connection: Connection, owner: OwnerId, agent_id: AgentId, now: datetime) -> bool:
    """Hides an agent from everyone at once. False when there is none."""
    done = await connection.execute(
        "UPDATE agents SET deleted_at = $3 WHERE owner_user_id = $1 AND id = $2 AND deleted_at IS NULL",
        owner,
        agent_id,
        now,
    )
    return done != "UPDATE 0"


async def restore(connection: Connection, owner: OwnerId, agent_id: AgentId) -> bool:
    """Brings a deleted agent back as it was. False when there is none, or its end was asked for."""
    done = await connection.execute(
        "UPDATE agents SET deleted_at = NULL, revision = revision + 1"
        " WHERE owner_user_id = $1 AND id = $2 AND deleted_at IS NOT NULL AND purge_asked_at IS NULL",
        owner,
        agent_id,
    )
    return done != "UPDATE 0"


async def ask_purge(connection: Connection, owner: OwnerId, agent_id: AgentId, now: datetime) -> bool:
    """Has a deleted agent purged without waiting for its time. False when there is none."""
    done = await connection.execute(
        "UPDATE agents SET purge_asked_at = $3"
        " WHERE owner_user_id = $1 AND id = $2 AND deleted_at IS NOT NULL AND purge_asked_at IS NULL",
        owner,
        agent_id,
        now,
    )
    return done != "UPDATE 0"


@dataclass(frozen=True, slots=True)
class EndedAgent:
    """A deleted agent whose time is over. `subjects` are the bare JIDs that have turns on record with it."""

    id: AgentId
    owner: OwnerId
    subjects: tuple[str, ...]


async def find_ended(pool: Pool, days: int, settle_s: float, limit: int) -> Sequence[EndedAgent]:
    """Agents deleted more than `days` ago, or whose end was asked for; none of the last `settle_s` seconds, in which a
    turn may still come to its end. For the orchestrator's role only.
    """
    rows = await pool.fetch("SELECT * FROM find_ended_agents($1, $2, $3)", days, settle_s, limit)
    return [EndedAgent(AgentId(row["agent_id"]), OwnerId(row["owner_user_id"]), tuple(row["subjects"])) for row in rows]


async def purge(pool: Pool, agent_id: AgentId, days: int, record: Record) -> bool:
    """Deletes the agent with all that is its own, and the texts of its turns; `record` goes into the ledger with it.

    Its addresses stay on record. False when it was restored or purged meanwhile.
    """
    return bool(await pool.fetchval("SELECT purge_agent($1, $2, $3)", agent_id, days, record.encode()))
