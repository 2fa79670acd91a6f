"""Which agent an address is, for somebody who says a command to it. For the gateway's role only."""

from __future__ import annotations

from dataclasses import dataclass

from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool, owner_scope
from policy.access import Relation
from registry.turns import QuotaConfig, quota_config


@dataclass(frozen=True, slots=True)
class Addressed:
    """For relation `none` neither agent nor owner is told."""

    relation: Relation
    agent: AgentId | None
    owner: OwnerId | None


async def find_addressed(pool: Pool, address_id: AgentId, jid: BareJid) -> Addressed:
    """What somebody is to the agent whose id, or the id of whose alias, this is; and which agent that is."""
    row = await pool.fetchrow("SELECT relation, agent_id, owner_user_id FROM find_addressed($1, $2)", address_id, jid)
    if row is None:
        raise RuntimeError("find_addressed always gives one row")
    return Addressed(Relation(row["relation"]), row["agent_id"], row["owner_user_id"])


async def quota_of(pool: Pool, owner: OwnerId) -> QuotaConfig | None:
    """The account's limits, in its own scope."""
    async with owner_scope(pool, owner) as connection:
        stored = await connection.fetchval("SELECT quota_config FROM users WHERE id = $1", owner)
    return quota_config(stored)
