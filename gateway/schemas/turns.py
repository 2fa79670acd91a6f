"""Turns and dead letters, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from gateway.schemas.common import Out


class ExecutionOut(Out):
    """One turn in figures; times in milliseconds."""

    id: UUID
    agent_version_id: UUID | None
    subject_jid: str
    outcome: str
    tokens_used: int
    tools_called: Sequence[str]
    worker_id: str
    duration_ms: int
    platform_latency_ms: int
    worker_latency_ms: int
    correlation_id: UUID
    created_at: datetime
    model: str
    input_tokens: int
    output_tokens: int
    cost_nanousd: int | None
    """Estimated, in billionths of a US dollar; null when nobody knows."""


class ExecutionList(Out):
    """The newest turns of one agent."""

    items: Sequence[ExecutionOut]


class ModelUseOut(Out):
    """What turns that one model answered have used. An empty model: turns that asked none."""

    model: str
    turns: int
    tokens_used: int
    cost_nanousd: int | None
    """Estimated, of the turns whose cost is known, in billionths of a US dollar; null when it is of none."""
    unpriced_turns: int
    """Turns whose cost nobody knows."""


class AgentUse(Out):
    """An agent's use by model, the most used first."""

    days: int
    items: Sequence[ModelUseOut]


class DayUseOut(Out):
    """What one agent has used on one day of UTC. A cost that nobody knows is null, never 0."""

    agent_id: UUID
    day: date
    turns: int
    tokens_used: int
    cost_nanousd: int | None


class PersonUseOut(Out):
    """What one person, or room, has used of all your agents. `refused`: turns of theirs that had no answer."""

    subject_jid: str
    turns: int
    tokens_used: int
    cost_nanousd: int | None
    refused: int


class OwnerUseOut(Out):
    """The use of all your agents: the oldest day first, and who has used most first."""

    days: int
    by_day: Sequence[DayUseOut]
    by_person: Sequence[PersonUseOut]


class DeadLetterOut(Out):
    """A turn that was set aside after too many failed attempts. `closed_as` is empty, retried or dropped."""

    turn: UUID
    agent: UUID
    sender: str
    reason: str
    attempts: int
    correlation_id: UUID
    created_at: datetime
    closed_as: str


class DeadLetterShown(DeadLetterOut):
    """The same with the message itself, while it is kept."""

    text: str | None


class DeadLetterList(Out):
    """Turns that wait for a decision, newest first."""

    items: Sequence[DeadLetterOut]
