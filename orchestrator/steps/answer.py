"""Announces the outbox rows that the commit wrote, and tells the log. A lost announcement costs seconds, no answer."""

from __future__ import annotations

from aiox.kernel.envelope import REACTED
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Answered, Refused
from orchestrator.ports import Ports
from orchestrator.proofs import Dispatched
from orchestrator.steps.record import Recorded, execution_times, outcome_code


async def answer(ports: Ports, recorded: Recorded) -> None:
    """Core NATS carries the announcement; the component also asks for rows that nobody announced."""
    for event in recorded.replies:
        await ports.announce(event)
    ended, turn = recorded.ended, recorded.ended.turn
    ports.live.tell(turn, ports.live.now_ms(), 0, "", ended=True)
    outcome = ended.outcome
    worker_ms = 0 if isinstance(outcome, Refused) else outcome.worker_ms
    if isinstance(ended, Dispatched) and outcome_code(outcome) != ErrorCode.CANCELLED:  # the agent did not fail
        ports.versions.learn(ended.loaded.version.id, isinstance(outcome, Answered))
    _count(ports, recorded)
    ports.log.info(
        "agent_message_processed" if turn.envelope.type != REACTED else "reaction_processed",
        owner_user_id=str(ended.owner),
        agent_id=str(turn.message.agent_id),
        turn_id=str(turn.message.turn_id),
        correlation_id=str(turn.envelope.correlation_id),
        causation_id=str(turn.envelope.id),
        outcome=outcome_code(outcome),
        platform_latency_ms=max(0, recorded.duration_ms - worker_ms),
        worker_latency_ms=worker_ms,
        worker_id="" if isinstance(outcome, Refused) else outcome.worker_id,
        tokens_used=ended.tokens if isinstance(ended, Dispatched) else 0,
        policy_checked=True,
    )


def _count(ports: Ports, recorded: Recorded) -> None:
    """What was refused, or was a command, names no agent: anybody may write to any address."""
    ended, outcome = recorded.ended, recorded.ended.outcome
    if isinstance(ended, Dispatched):
        agent = str(ended.loaded.version.agent_id)
        took = execution_times(outcome, recorded.duration_ms)
        ports.turn_metrics.used(agent, str(ended.owner), ended.own_tokens)  # agents it asked count theirs
    else:
        agent = ""
        took = {"command" if isinstance(outcome, Answered) else "refusal": recorded.duration_ms}
    ports.turn_metrics.concluded(outcome_code(outcome), agent, took, ended.turn.envelope)
