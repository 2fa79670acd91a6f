"""What one correspondent said to an agent and what it answered: their own words only, whosever the agent is.

`executions` is the source (SPEC 6): where an agent stores no texts, there are none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from asyncpg import Record

from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.keyring import KeyRing, Place
from aiox.runtime.postgres import Pool, owner_scope
from registry.pages import Position


@dataclass(frozen=True, slots=True)
class PastTurn:
    """One turn, texts sealed with the key of the agent's owner; None where the agent stores none."""

    id: UUID
    owner: OwnerId
    sealed_input: bytes | None
    sealed_output: bytes | None
    outcome: str
    correlation_id: UUID
    created_at: datetime

    def texts(self, ring: KeyRing) -> tuple[str | None, str | None]:
        """What was said and what was answered. Raises CannotOpen."""

        def opened(sealed: bytes | None, column: str) -> str | None:
            if sealed is None:
                return None
            return ring.open(sealed, Place(self.owner, "executions", column, self.id)).decode()

        return opened(self.sealed_input, "input"), opened(self.sealed_output, "output")


async def of_subject(
    pool: Pool, agent: AgentId, subject: BareJid, before: Position | None, limit: int
) -> Sequence[PastTurn]:
    """The newest turns of `subject` with an agent that lets them in, behind a position; none of anybody else."""
    rows = await pool.fetch(
        "SELECT * FROM find_history($1, $2, $3, $4, $5)",
        agent,
        subject,
        before.at if before else None,
        before.id if before else None,
        limit,
    )
    return [turn_of(OwnerId(row["owner_user_id"]), row) for row in rows]


async def of_conversation(
    pool: Pool, owner: OwnerId, agent: AgentId, subject: BareJid, limit: int
) -> Sequence[PastTurn]:
    """The newest answered turns of one conversation whose texts are stored, newest first; for the owner's own agent.

    None from before the correspondent began it anew (registry/chat_choices.py).
    """
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT id, input, output, outcome, correlation_id, created_at FROM executions"
            " WHERE owner_user_id = $1 AND agent_id = $2 AND subject_jid = $3 AND outcome = 'answered'"
            " AND input IS NOT NULL AND output IS NOT NULL AND created_at > coalesce((SELECT reset_at FROM chat_choices"
            "  WHERE agent_id = $2 AND subject_jid = $3), '-infinity') ORDER BY created_at DESC, id LIMIT $4",
            owner,
            agent,
            subject,
            limit,
        )
    return [turn_of(owner, row) for row in rows]


def turn_of(owner: OwnerId, row: Record) -> PastTurn:
    """A turn as `executions` has it."""
    return PastTurn(
        id=row["id"],
        owner=owner,
        sealed_input=None if row["input"] is None else bytes(row["input"]),
        sealed_output=None if row["output"] is None else bytes(row["output"]),
        outcome=row["outcome"],
        correlation_id=row["correlation_id"],
        created_at=row["created_at"],
    )
