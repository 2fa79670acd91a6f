"""Summaries of long conversations: which turns are in none yet, and the one that stands (revision 0025).

Their source are the texts in `executions`. An agent that stores none has no summaries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Pool, owner_scope
from registry.history import PastTurn, turn_of

_MARK: Final = """
    SELECT through_at FROM summary_marks WHERE owner_user_id = $1 AND agent_id = $2 AND subject_jid = $3"""
_TURNS: Final = """
    SELECT id, input, output, outcome, correlation_id, created_at FROM executions
    WHERE owner_user_id = $1 AND agent_id = $2 AND subject_jid = $3 AND outcome = 'answered'
      AND input IS NOT NULL AND output IS NOT NULL AND ($4::timestamptz IS NULL OR created_at > $4)
      AND created_at > coalesce((SELECT reset_at FROM chat_choices
                                 WHERE owner_user_id = $1 AND agent_id = $2 AND subject_jid = $3), '-infinity')
    ORDER BY created_at, id LIMIT $5"""


@dataclass(frozen=True, slots=True)
class Unsummarised:
    """The turns of a conversation behind the last summary, oldest first. `after`: where that one ended; None: none."""

    after: datetime | None
    turns: Sequence[PastTurn]


async def unsummarised(pool: Pool, owner: OwnerId, agent: AgentId, subject: BareJid, limit: int) -> Unsummarised:
    """At most `limit` of them, texts sealed; none that its person has had forgotten, or left behind by beginning anew.

    For the orchestrator's role only.
    """
    async with owner_scope(pool, owner) as connection:
        after = await connection.fetchval(_MARK, owner, agent, subject)
        rows = await connection.fetch(_TURNS, owner, agent, subject, after, limit)
    return Unsummarised(after, [turn_of(owner, row) for row in rows])


async def keep(
    pool: Pool, owner: OwnerId, agent: AgentId, subject: BareJid, summary: UUID, content: str, of: Unsummarised
) -> bool:
    """Puts a summary in the place of the one before. `of`: the turns that it adds, at least one.

    False when another was faster, the person had theirs forgotten meanwhile, or the agent is gone: nothing is kept.
    """
    return bool(
        await pool.fetchval(
            "SELECT keep_summary($1, $2, $3, $4, $5, $6, $7, $8)",
            owner,
            agent,
            subject,
            summary,
            content,
            of.turns[0].created_at,
            of.after,
            of.turns[-1].created_at,
        )
    )
