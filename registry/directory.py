"""Who may see which agent, asked before an owner is known."""

from __future__ import annotations

from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool
from policy.access import Relation


async def may_see(pool: Pool, agent_id: AgentId, jid: BareJid) -> bool:
    """Whether this address may know that the agent exists. Unknown, deleted and foreign private agents: no.

    For the component's role only; the function behind it stands in docs/isolation.md.
    """
    return bool(await pool.fetchval("SELECT may_see($1, $2)", agent_id, jid))


async def find_relation(pool: Pool, agent_id: AgentId, jid: BareJid) -> tuple[Relation, OwnerId | None]:
    """What this address is to an agent, and whose the agent is; no owner for one that is hidden, deleted or unknown.

    For the gateway's role only.
    """
    row = await pool.fetchrow("SELECT relation, owner_user_id FROM find_relation($1, $2)", agent_id, jid)
    if row is None:
        raise RuntimeError("find_relation always gives one row")
    return Relation(row["relation"]), row["owner_user_id"]
