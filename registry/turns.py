"""A turn's facts before it runs, and the one commit that concludes many turns (revision 0002)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from aiox.kernel.canonical import Json
from aiox.kernel.ids import AgentId, OwnerId, TurnId, VersionId
from aiox.kernel.jid import BareJid
from aiox.kernel.preferences import NONE_SET, Preferences
from aiox.runtime.postgres import Connection, Pool
from policy.access import Relation
from policy.group_quota import GroupBudget
from policy.ledger import Record
from registry.asked import AskedEnd, end
from registry.group_quotas import groups_of


@dataclass(frozen=True, slots=True)
class QuotaConfig:
    """An account's limits: tokens per minute and day, turns at once, MiB stored, worker milliseconds of a turn."""

    tokens_per_minute: int
    tokens_per_day: int
    max_concurrent: int
    max_memory_mb: int
    max_worker_ms: int


@dataclass(frozen=True, slots=True)
class TurnFacts:
    """What is known of sender and agent. For relation `none` what is the agent's is None or 0, but for its owner."""

    relation: Relation
    owner: OwnerId | None
    version_id: VersionId | None
    agent_jid: BareJid | None
    quota: QuotaConfig | None
    concluded: bool
    """This very turn is in the inbox already: a repeated delivery."""
    called: bool
    """It has tool calls on record: an attempt before this one let them through."""
    agent: AgentId | None
    """The agent behind the address, which may be an alias; None for relation `none`."""
    preferences: Preferences = NONE_SET
    """Of the sender."""
    account_bytes: int = 0
    """What the owner has stored, with all agents."""
    agent_bytes: int = 0
    """What of it is this agent's."""
    groups: tuple[GroupBudget, ...] = ()
    """The organisations that the owner belongs to, and the peer that the sender writes from."""


async def find_turn(pool: Pool, agent: AgentId, sender: BareJid, turn: TurnId) -> TurnFacts:
    """One query; hidden, forbidden, deleted and unknown agents give the same answer."""
    row = await pool.fetchrow("SELECT * FROM find_turn($1, $2, $3)", agent, sender, turn)
    if row is None:
        raise RuntimeError("find_turn always gives one row")
    return TurnFacts(
        relation=Relation(row["relation"]),
        owner=row["owner_user_id"],
        version_id=row["active_version_id"],
        agent_jid=row["jid"],
        quota=quota_config(row["quota_config"]),
        concluded=row["concluded"],
        called=row["called"],
        agent=row["agent_id"],
        preferences=_preferences(row),
        account_bytes=row["account_bytes"] or 0,
        agent_bytes=row["agent_bytes"] or 0,
        groups=groups_of(row["group_quotas"]),
    )


def _preferences(row: asyncpg.Record) -> Preferences:
    if row["tone"] is None:
        return NONE_SET
    return Preferences(tone=row["tone"], format=row["format"], language=row["language"])


def quota_config(stored: str | None) -> QuotaConfig | None:
    """An account's limits as they are stored; None for none."""
    if not stored:
        return None
    said = json.loads(stored)
    windows = said["tokens_per_minute"], said["tokens_per_day"]
    return QuotaConfig(*windows, said["max_concurrent_requests"], said["max_memory_mb"], said["max_worker_time_ms"])


@dataclass(frozen=True, slots=True)
class InboxRow:
    """A message that has had its outcome."""

    turn: TurnId
    owner: OwnerId
    agent: AgentId
    sender: BareJid
    message_id: str
    outcome: str
    correlation_id: UUID
    admitted_at: datetime
    concluded_at: datetime


@dataclass(frozen=True, slots=True)
class ExecutionRow:
    """A turn that ran. `sealed_input` and `sealed_output` are encrypted with the tenant's key, or None."""

    id: UUID
    owner: OwnerId
    agent: AgentId
    version_id: VersionId
    subject: BareJid
    sealed_input: bytes | None
    sealed_output: bytes | None
    outcome: str
    tokens_used: int
    tools_called: Sequence[str]
    worker_id: str
    duration_ms: int
    platform_ms: int
    worker_ms: int
    scoring: dict[str, Json]
    correlation_id: UUID
    created_at: datetime
    reserved_minute: int
    """Number of the minute since 1970 in which its tokens were reserved: there, and in that day, they are counted."""
    model: str = ""
    """What answered, or was asked last; "offline" for the built-in responder."""
    input_tokens: int = 0
    """Of the attempt that concluded the turn; `tokens_used` has those before it too."""
    output_tokens: int = 0
    cost_nanousd: int | None = None
    """Estimated, in billionths of a US dollar; None: unknown."""
    groups: Sequence[UUID] = ()
    """The shared budgets that its tokens are counted on, too."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A stanza to send. `envelope` is the encoded event, and is dropped once it was sent."""

    id: UUID
    turn: TurnId
    owner: OwnerId
    envelope: bytes
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Conclusion:
    """All that one turn leaves behind; written whole or not at all."""

    partition: int
    fence: int
    inbox: Sequence[InboxRow]
    records: Sequence[Record]
    executions: Sequence[ExecutionRow] = field(default=())
    outbox: Sequence[OutboxRow] = field(default=())
    asked: Sequence[AskedEnd] = field(default=())
    """How it ended, for who asked over HTTP."""


class AlreadyConcluded(Exception):
    """One of these turns is in the inbox already; nothing of the batch was written."""


class LeaseLost(Exception):
    """A partition belongs to another orchestrator now; nothing of the batch was written."""


async def conclude(pool: Pool, batch: Sequence[Conclusion]) -> None:
    """Writes a batch of turns in one commit. Raises AlreadyConcluded, LeaseLost, or what PostgreSQL raised."""
    fences = sorted({(turn.partition, turn.fence) for turn in batch})
    try:
        if asked := [one for turn in batch for one in turn.asked]:
            async with pool.acquire() as connection, connection.transaction():
                await _conclude(connection, fences, batch)
                await end(connection, asked)
        else:
            await _conclude(pool, fences, batch)
    except asyncpg.UniqueViolationError as known:
        if known.constraint_name != "inbox_pkey":
            raise
        raise AlreadyConcluded(str(known)) from known
    except asyncpg.ObjectNotInPrerequisiteStateError as lost:
        raise LeaseLost(str(lost)) from lost


async def _conclude(where: Pool | Connection, fences: Sequence[tuple[int, int]], batch: Sequence[Conclusion]) -> None:
    await where.execute(
        "SELECT conclude($1, $2, $3, $4, $5, $6)",
        [partition for partition, _ in fences],
        [fence for _, fence in fences],
        [record.encode() for turn in batch for record in turn.records],
        [_inbox(row) for turn in batch for row in turn.inbox],
        [_execution(row) for turn in batch for row in turn.executions],
        [_outbox(row) for turn in batch for row in turn.outbox],
    )


def _inbox(row: InboxRow) -> tuple[object, ...]:
    return (
        row.turn,
        row.owner,
        row.agent,
        row.sender,
        row.message_id,
        row.outcome,
        row.correlation_id,
        row.admitted_at,
        row.concluded_at,
    )


def _execution(row: ExecutionRow) -> tuple[object, ...]:
    return (
        row.id,
        row.owner,
        row.agent,
        row.version_id,
        row.subject,
        row.sealed_input,
        row.sealed_output,
        row.outcome,
        row.tokens_used,
        json.dumps(list(row.tools_called)),
        row.worker_id,
        row.duration_ms,
        row.platform_ms,
        row.worker_ms,
        json.dumps(row.scoring),
        row.correlation_id,
        row.created_at,
        row.reserved_minute,
        row.model,
        row.input_tokens,
        row.output_tokens,
        row.cost_nanousd,
        list(row.groups),
    )


def _outbox(row: OutboxRow) -> tuple[object, ...]:
    return (row.id, row.turn, row.owner, row.envelope, row.created_at)
