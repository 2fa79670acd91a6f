"""Who may see which agent, asked before an owner is known."""

from __future__ import annotations

from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool


async def may_see(pool: Pool, agent_id: AgentId, jid: BareJid) -> bool:
    """Whether this address may know that the agent exists. Unknown, deleted and foreign private agents: no.

    For the component's role only; the function behind it stands in docs/isolation.md.
    """
    return bool(await pool.fetchval("SELECT may_see($1, $2)", agent_id, jid))
