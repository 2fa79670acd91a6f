"""Whom an agent is shared with. Grants hold at once, whatever version is active, while its visibility is `shared`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.postgres import Connection

MOST = 1000
"""Grants of one agent at most."""


async def add(connection: Connection, owner: OwnerId, agent_id: AgentId, grantees: Sequence[str], now: datetime) -> int:
    """Shares with bare JIDs or domains; what is granted already stays. Returns how many are new."""
    rows = await connection.fetch(
        "INSERT INTO agent_grants (owner_user_id, agent_id, grantee, created_at)"
        " SELECT $1, $2, unnest($3::text[]), $4 ON CONFLICT DO NOTHING RETURNING 1",
        owner,
        agent_id,
        grantees,
        now,
    )
    return len(rows)


async def remove(connection: Connection, owner: OwnerId, agent_id: AgentId, grantee: str) -> bool:
    """Takes a grant back. False when there was none."""
    done = await connection.execute(
        "DELETE FROM agent_grants WHERE owner_user_id = $1 AND agent_id = $2 AND grantee = $3", owner, agent_id, grantee
    )
    return done != "DELETE 0"


async def of_agent(connection: Connection, owner: OwnerId, agent_id: AgentId) -> tuple[str, ...]:
    """Whom it is shared with, in order."""
    rows = await connection.fetch(
        "SELECT grantee FROM agent_grants WHERE owner_user_id = $1 AND agent_id = $2 ORDER BY grantee", owner, agent_id
    )
    return tuple(row["grantee"] for row in rows)
