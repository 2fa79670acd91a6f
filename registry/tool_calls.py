"""Tool calls of turns: on record before they run, and how they ended (revision 0004)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

import asyncpg

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.runtime.postgres import Connection, Pool, owner_scope
from policy.ledger import Record
from registry.turns import LeaseLost


class CallState(StrEnum):
    """How far a call is known to have come."""

    STARTED = "started"
    DONE = "done"
    FAILED = "failed"
    UNKNOWN = "unknown"
    """It was let through and nobody said how it ended: it may have had its effect."""


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call that is about to be let through. `turns` are all messages that share the turn, `turn` among them."""

    id: UUID
    owner: OwnerId
    agent: AgentId
    turn: TurnId
    turns: Sequence[TurnId]
    tool: str
    arguments_digest: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredCall:
    """A call on record."""

    id: UUID
    tool: str
    state: CallState


@dataclass(frozen=True, slots=True)
class LeftCall:
    """A call of an agent that was asked in somebody's turn, which nobody has said the end of."""

    id: UUID
    owner: OwnerId
    agent: AgentId
    turn: TurnId
    tool: str


class ApprovalGone(Exception):
    """The approval is not live any more: used, over its time, or never granted. Nothing was written."""


class AlreadyStarted(Exception):
    """The very call is on record, or its turn has had its outcome: it must not run."""


class TooOften(Exception):
    """The agent has had so many calls of this tool within a minute. Nothing was written."""


async def start(
    pool: Pool,
    partition: int,
    fence: int,
    call: NewCall,
    record: Record,
    approval: UUID | None = None,
    per_minute: int | None = None,
) -> None:
    """Puts a call and its ledger row on record in one commit, which also uses its approval up, when it needs one.

    `per_minute`: how many calls of this tool its agent may have in a minute, counted in the same commit. Raises
    LeaseLost, AlreadyStarted, ApprovalGone, TooOften; then it may not run.
    """
    given = [
        partition,
        fence,
        call.id,
        call.owner,
        call.agent,
        call.turn,
        list(call.turns),
        call.tool,
        call.arguments_digest,
        call.created_at,
        record.encode(),
    ]
    try:
        async with owner_scope(pool, call.owner) as connection:
            if per_minute is not None:
                await _check_rate(connection, call, per_minute)
            if approval is None:
                await connection.execute("SELECT tool_started($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)", *given)
            else:
                await connection.execute(
                    "SELECT tool_started_approved($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)", *given, approval
                )
    except asyncpg.UniqueViolationError as known:
        raise AlreadyStarted(str(call.id)) from known
    except asyncpg.NoDataFoundError as gone:
        raise ApprovalGone(str(approval)) from gone
    except asyncpg.ObjectNotInPrerequisiteStateError as lost:
        raise LeaseLost(str(lost)) from lost


async def _check_rate(connection: Connection, call: NewCall, most: int) -> None:
    """One after the other for each agent and tool, so that calls side by side do not all see room for one more."""
    lock = f"tool:{call.agent}:{call.tool}"
    await connection.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", lock)
    recent = await connection.fetchval(
        "SELECT count(*) FROM tool_calls WHERE agent_id = $1 AND tool_name = $2 AND created_at > $3",
        call.agent,
        call.tool,
        call.created_at - timedelta(minutes=1),
    )
    if recent >= most:
        raise TooOften(f"This agent may call {call.tool} {most} times a minute. Try again in a minute.")


async def end(
    pool: Pool,
    call: UUID,
    state: CallState,
    record: Record,
    *,
    result_digest: bytes | None = None,
    error_code: str = "",
) -> bool:
    """Records how a call ended, with its ledger row. False when its end was on record before: then that one stands."""
    changed: bool = await pool.fetchval(
        "SELECT tool_ended($1, $2, $3, $4, $5, $6)",
        call,
        state,
        result_digest,
        error_code,
        record.created_at,
        record.encode(),
    )
    return changed


async def list_of_turn(pool: Pool, owner: OwnerId, turn: TurnId) -> list[StoredCall]:
    """The calls of a turn, those first that were asked first; also when the turn only shared the one that asked."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT id, tool_name, state FROM tool_calls WHERE turn_ids @> ARRAY[$1::uuid] ORDER BY created_at, id",
            turn,
        )
    return [StoredCall(row["id"], row["tool_name"], CallState(row["state"])) for row in rows]


async def list_left(pool: Pool, turn: TurnId) -> list[LeftCall]:
    """The calls of a turn that have begun, or whose end is known to be unknown; whoever owns the agent, in ids."""
    rows = await pool.fetch("SELECT id, owner_user_id, agent_id, tool_name FROM calls_left($1)", turn)
    return [
        LeftCall(row["id"], OwnerId(row["owner_user_id"]), AgentId(row["agent_id"]), turn, row["tool_name"])
        for row in rows
    ]
