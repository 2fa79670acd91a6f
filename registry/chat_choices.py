"""What somebody chose for their chat with an agent: no unasked messages until then, and nothing said before this.

One row for each correspondent who chose something, in the scope of the agent's owner.
"""

from __future__ import annotations

from datetime import datetime

from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Connection, Pool, owner_scope


async def mute(
    pool: Pool, owner: OwnerId, agent: AgentId, subject: BareJid, until: datetime | None, now: datetime
) -> None:
    """Wants no unasked messages until then; None: wants them again."""
    await _choose(pool, "muted_until", owner, agent, subject, until, now)


async def reset(pool: Pool, owner: OwnerId, agent: AgentId, subject: BareJid, now: datetime) -> None:
    """What was said until now is not read again as the conversation before a message."""
    await _choose(pool, "reset_at", owner, agent, subject, now, now)


async def is_muted(connection: Connection, agent: AgentId, subject: BareJid, now: datetime) -> bool:
    """Whether somebody wants no unasked messages of this agent now. `connection` is in its owner's scope."""
    found = await connection.fetchval(
        "SELECT true FROM chat_choices WHERE agent_id = $1 AND subject_jid = $2 AND muted_until > $3",
        agent,
        subject,
        now,
    )
    return found is not None


async def _choose(
    pool: Pool, column: str, owner: OwnerId, agent: AgentId, subject: BareJid, value: datetime | None, now: datetime
) -> None:
    async with owner_scope(pool, owner) as connection:
        await connection.execute(
            f"INSERT INTO chat_choices (owner_user_id, agent_id, subject_jid, {column}, created_at)"  # noqa: S608 -- two constants
            f" VALUES ($1, $2, $3, $4, $5) ON CONFLICT (agent_id, subject_jid) DO UPDATE SET {column} = $4",
            owner,
            agent,
            subject,
            value,
            now,
        )
