"""What turns cost and how long they took: the read side of `executions`, without the texts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from aiox.kernel.ids import AgentId, OwnerId
from aiox.runtime.keyring import Place
from aiox.runtime.postgres import Pool, owner_scope


@dataclass(frozen=True, slots=True)
class ExecutionSummary:
    """One turn in figures. Latencies and duration in milliseconds; `subject_jid` is who asked."""

    id: UUID
    agent_version_id: UUID | None
    subject_jid: str
    outcome: str
    tokens_used: int
    tools_called: tuple[str, ...]
    worker_id: str
    duration_ms: int
    platform_latency_ms: int
    worker_latency_ms: int
    correlation_id: UUID
    created_at: datetime
    model: str
    """What answered; "offline" for the built-in responder, empty for turns that no model was asked for."""
    input_tokens: int
    output_tokens: int
    cost_nanousd: int | None
    """Estimated, in billionths of a US dollar; None: unknown."""


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What turns that one model answered have used; empty `model`: turns that asked none."""

    model: str
    turns: int
    tokens_used: int
    cost_nanousd: int | None
    """Estimated, of the turns whose cost is known, in billionths of a US dollar; None when it is of none."""
    unpriced_turns: int
    """Turns whose cost nobody knows."""


@dataclass(frozen=True, slots=True)
class DayUse:
    """What one agent has used on one day, by UTC."""

    agent_id: AgentId
    day: date
    turns: int
    tokens_used: int
    cost_nanousd: int | None
    """As in ModelUse."""


@dataclass(frozen=True, slots=True)
class PersonUse:
    """What one person, or room, has used of all agents of an owner."""

    subject_jid: str
    turns: int
    tokens_used: int
    cost_nanousd: int | None
    """As in ModelUse."""
    refused: int
    """Turns of theirs that had no answer: refused, failed or cancelled."""


async def use_by_day(pool: Pool, owner: OwnerId, since: datetime) -> Sequence[DayUse]:
    """Of all agents of this owner, the oldest day first; days without a turn are left out."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT agent_id, (created_at AT TIME ZONE 'UTC')::date AS day, count(*) AS turns,"
            " sum(tokens_used)::bigint AS tokens_used, sum(cost_nanousd)::bigint AS cost_nanousd"
            " FROM executions WHERE owner_user_id = $1 AND created_at >= $2 GROUP BY 1, 2 ORDER BY 2, 1",
            owner,
            since,
        )
    return [DayUse(**row) for row in rows]


async def use_by_person(pool: Pool, owner: OwnerId, since: datetime, limit: int) -> Sequence[PersonUse]:
    """Who has used most comes first."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT subject_jid, count(*) AS turns, sum(tokens_used)::bigint AS tokens_used,"
            " sum(cost_nanousd)::bigint AS cost_nanousd, count(*) FILTER (WHERE outcome <> 'answered') AS refused"
            " FROM executions WHERE owner_user_id = $1 AND created_at >= $2"
            " GROUP BY 1 ORDER BY 3 DESC, 1 LIMIT $3",
            owner,
            since,
            limit,
        )
    return [PersonUse(**row) for row in rows]


async def use_of_agent(pool: Pool, owner: OwnerId, agent_id: AgentId, since: datetime) -> Sequence[ModelUse]:
    """By model, the most used first."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT model, count(*) AS turns, sum(tokens_used)::bigint AS tokens_used,"
            " sum(cost_nanousd)::bigint AS cost_nanousd,"
            " count(*) FILTER (WHERE cost_nanousd IS NULL) AS unpriced_turns"
            " FROM executions WHERE owner_user_id = $1 AND agent_id = $2 AND created_at >= $3"
            " GROUP BY model ORDER BY 3 DESC, 1",
            owner,
            agent_id,
            since,
        )
    return [ModelUse(**row) for row in rows]


async def list_of_agent(pool: Pool, owner: OwnerId, agent_id: AgentId, limit: int) -> Sequence[ExecutionSummary]:
    """The newest turns of one of this owner's agents."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT id, agent_version_id, subject_jid, outcome, tokens_used, tools_called, worker_id, duration_ms,"
            " platform_latency_ms, worker_latency_ms, correlation_id, created_at, model, input_tokens, output_tokens,"
            " cost_nanousd FROM executions"
            " WHERE owner_user_id = $1 AND agent_id = $2 ORDER BY created_at DESC, id LIMIT $3",
            owner,
            agent_id,
            limit,
        )
    return [ExecutionSummary(**{**row, "tools_called": tuple(json.loads(row["tools_called"]))}) for row in rows]


async def answer_bytes(pool: Pool, owner: OwnerId, execution: UUID) -> int:
    """How long the stored answer of a turn is, sealed; 0 when none is stored."""
    async with owner_scope(pool, owner) as connection:
        found = await connection.fetchval(
            "SELECT octet_length(output) FROM executions WHERE owner_user_id = $1 AND id = $2", owner, execution
        )
    return found or 0


async def sealed_answer(pool: Pool, owner: OwnerId, execution: UUID) -> bytes | None:
    """The stored answer of a turn, which opens at `answer_place`; None when none is stored, or it was taken back."""
    async with owner_scope(pool, owner) as connection:
        found = await connection.fetchval(
            "SELECT output FROM executions WHERE owner_user_id = $1 AND id = $2 AND outcome = 'answered'",
            owner,
            execution,
        )
    return None if found is None else bytes(found)


def answer_place(owner: OwnerId, execution: UUID) -> Place:
    """What binds a stored answer to its turn."""
    return Place(owner, "executions", "output", execution)
