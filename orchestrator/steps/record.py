"""Step 14: inbox, ledger rows, execution, usage and outbox in one commit, shared with other turns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final
from uuid import UUID

from aiox.kernel.canonical import Json
from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.kernel.ids import derived_id
from aiox.kernel.outcome import Answered, Failed, Refused
from aiox.runtime.keyring import Place
from aiox.runtime.steps import Step
from aiox.wire.codec import encode
from orchestrator.ports import Ports
from orchestrator.proofs import Accepted, Dispatched, Turn
from orchestrator.steps.asked import asked_ends
from orchestrator.steps.reply import replies_of
from policy.ledger import Record
from registry.turns import Conclusion, ExecutionRow, InboxRow, OutboxRow

DELEGATED: Final = "delegated"
"""Outcome of an execution in which another agent was answered."""
MERGED: Final = "merged"
"""Inbox outcome of a message that shares another one's turn; the turn's id follows."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """The turn is written; what is left is to tell the door."""

    ended: Accepted
    replies: tuple[Envelope[OutboxReady], ...]
    duration_ms: int


async def record(ports: Ports, ended: Accepted) -> Recorded:
    """Waits for the commit. Raises AlreadyConcluded, LeaseLost, or what PostgreSQL raised; then nothing is written."""
    turn = ended.turn
    now = ports.clock.now()
    duration_ms = max(0, round((now - turn.envelope.occurred_at).total_seconds() * 1000))
    with ports.telemetry.span(Step.RECORDED, turn.envelope.traceparent, turn.attributes):
        replies = replies_of(ended, now, ports.files.link)
        asked = await asked_ends(ports, ended, now)
        await ports.commits.add(replace(_conclusion(ended, replies, now, duration_ms), asked=asked))
    return Recorded(ended, replies, duration_ms)


def _conclusion(
    ended: Accepted, replies: tuple[Envelope[OutboxReady], ...], now: datetime, duration_ms: int
) -> Conclusion:
    turn, message = ended.turn, ended.turn.message
    return Conclusion(
        partition=turn.partition,
        fence=turn.fence,
        inbox=tuple(_inbox(ended, member, now) for member in turn.all_members),
        records=(ended.decision, outcome_record(ended, now)),
        executions=(execution_of(ended, now, duration_ms),) if isinstance(ended, Dispatched) else (),
        outbox=tuple(
            OutboxRow(event.payload.outbox_id, message.turn_id, ended.owner, encode(event), now) for event in replies
        ),
    )


def _inbox(ended: Accepted, member: Turn, now: datetime) -> InboxRow:
    """The message that began the turn has its outcome; those that joined it say so."""
    message = member.message
    began = message.turn_id == ended.turn.message.turn_id
    return InboxRow(
        turn=message.turn_id,
        owner=ended.owner,
        agent=message.agent_id,
        sender=message.sender,
        message_id=message.message_id,
        outcome=outcome_code(ended.outcome) if began else f"{MERGED} {ended.turn.message.turn_id}",
        correlation_id=member.envelope.correlation_id,
        admitted_at=member.envelope.occurred_at,
        concluded_at=now,
    )


def outcome_code(outcome: Answered | Failed | Refused) -> str:
    """`answered`, or the error code."""
    return "answered" if isinstance(outcome, Answered) else str(outcome.code)


def outcome_record(ended: Accepted, now: datetime) -> Record:
    """The ledger's row of how a turn ended."""
    turn, outcome = ended.turn, ended.outcome
    details: dict[str, Json] = {"turn_id": str(turn.message.turn_id), "outcome": outcome_code(outcome)}
    if turn.members:
        details["merged"] = [str(member.message.turn_id) for member in turn.members]
    if isinstance(outcome, Refused):
        details["rules"] = list(outcome.rules)
    if isinstance(ended, Dispatched) and not isinstance(outcome, Refused):
        details |= _ran(ended, outcome)
    return Record(
        id=derived_id(turn.generation, "turn.concluded"),
        owner=ended.owner,
        event_type="turn.concluded",
        severity="info" if isinstance(outcome, Answered) else "warning",
        details=details,
        created_at=now,
        actor=turn.message.sender,
        correlation_id=turn.envelope.correlation_id,
        request_id=turn.message.turn_id,
        organisation_id=ended.decision.organisation_id,
    )


def _ran(ended: Dispatched, outcome: Answered | Failed) -> dict[str, Json]:
    version = ended.loaded.version
    recalled: tuple[UUID, ...] = outcome.recalled if isinstance(outcome, Answered) else ()
    return {
        "agent_id": str(version.agent_id),
        "version_id": str(version.id),
        "policy_hash": version.policy_hash,
        "worker_id": outcome.worker_id,
        "tokens_reserved": ended.assigned.reserved.reservation.tokens,
        "tokens_used": ended.tokens,
        "tokens_cut_off": ended.cut_off,
        "model": outcome.model,
        "cost_nanousd": ended.cost_nanousd,
        "recalled": [str(found) for found in recalled],
        "tools_refused": list(ended.loaded.tools.refused),
        "credentials": [str(used) for used in ended.credentials],
        **_asked_others(ended),
    }


def _asked_others(ended: Dispatched) -> dict[str, Json]:
    """Of a turn in which agents ask each other: by whom this one was asked, and what those took that it asked."""
    found: dict[str, Json] = {"tokens_of_others": ended.paid.tokens} if ended.paid.tokens else {}
    if (by := ended.loaded.delegation) is not None:
        found |= {"asked_by": [str(agent) for agent in by.chain], "call_id": str(by.call)}
    if (question := ended.turn.message.question) is not None:
        found |= {"peer_correlation_id": str(question.correlation)}
    return found


def execution_times(outcome: Answered | Failed | Refused, duration_ms: int) -> dict[str, int]:
    """Milliseconds of a turn that ran, by whose they are: platform, worker (the model's own time apart), model."""
    if isinstance(outcome, Refused):
        return {"platform": duration_ms}
    model_ms = outcome.model_ms if isinstance(outcome, Answered) else 0
    return {
        "platform": max(0, duration_ms - outcome.worker_ms),
        "worker": max(0, outcome.worker_ms - model_ms),
        "model": model_ms,
    }


def execution_of(ended: Dispatched, now: datetime, duration_ms: int) -> ExecutionRow:
    """What it took; with its texts, sealed, where the agent stores them."""
    message, outcome, version = ended.turn.message, ended.outcome, ended.loaded.version
    execution_id = derived_id(ended.turn.generation, "execution")
    took = execution_times(outcome, duration_ms)

    def sealed(text: str, column: str) -> bytes | None:
        if not version.governance.audit_log_enabled:
            return None
        return ended.loaded.ring.seal(text.encode(), Place(ended.owner, "executions", column, execution_id))

    return ExecutionRow(
        id=execution_id,
        owner=ended.owner,
        agent=message.agent_id,
        version_id=version.id,
        subject=message.sender,
        sealed_input=sealed(message.body, "input"),
        sealed_output=sealed(outcome.text if isinstance(outcome, Answered) else "", "output"),
        outcome=_execution_outcome(ended),
        tokens_used=ended.tokens - ended.paid.own,
        tools_called=outcome.tools_called if isinstance(outcome, Answered) else (),
        worker_id=outcome.worker_id,
        duration_ms=duration_ms,
        platform_ms=took["platform"],
        worker_ms=took["worker"],
        scoring=ended.assigned.scoring,
        correlation_id=ended.turn.envelope.correlation_id,
        created_at=now,
        reserved_minute=ended.assigned.reserved.minute,
        model=outcome.model,
        input_tokens=outcome.usage.input_tokens,
        output_tokens=outcome.usage.output_tokens,
        cost_nanousd=ended.cost_nanousd,
        groups=_groups(ended),
    )


def _execution_outcome(ended: Dispatched) -> str:
    """What an agent was answered is no part of a conversation: nobody reads it as history."""
    return DELEGATED if ended.loaded.delegation and isinstance(ended.outcome, Answered) else outcome_code(ended.outcome)


def _groups(ended: Dispatched) -> list[UUID]:
    """Shared budgets. What counts on them with the turn of another owner's agent that asks does not count again."""
    by = ended.loaded.delegation
    counted = by.counted if by is not None and not by.same_owner else frozenset()
    return [group.scope for group in ended.loaded.authorised.facts.groups if group.scope not in counted]
