"""How much an account and its agents have stored (revision 0012 counts it, as it comes and goes)."""

from __future__ import annotations

import json

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.postgres import Connection
from policy.storage import Storage
from registry.group_quotas import find_groups

_USED = """
    SELECT (SELECT quota_config::text FROM users WHERE id = $1) AS quota,
           (SELECT coalesce(sum(bytes), 0)::bigint FROM agent_storage WHERE owner_user_id = $1) AS account_bytes,
           (SELECT coalesce(max(bytes), 0) FROM agent_storage WHERE owner_user_id = $1 AND agent_id = $2)
               AS agent_bytes"""


async def lock(connection: Connection, owner: OwnerId) -> None:
    """For one who is about to store more: one at a time per account, and per organisation that limits memory, until the
    transaction ends, so that two together do not pass a limit that each keeps.
    """
    names = [group.name for group in await find_groups(connection, owner) if group.limits.max_memory_mb is not None]
    for name in (str(owner), *names):
        await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"storage:{name}")


async def used(connection: Connection, owner: OwnerId, agent: AgentId, agent_mb: int) -> Storage:
    """What is stored now, also by this very transaction. `connection` is in the owner's scope."""
    row = await connection.fetchrow(_USED, owner, agent)
    if row is None or row["quota"] is None:
        return Storage(0, 0, 0, agent_mb)
    allowed_mb, groups = json.loads(row["quota"])["max_memory_mb"], await find_groups(connection, owner)
    return Storage(row["account_bytes"], allowed_mb, row["agent_bytes"], agent_mb, groups)
