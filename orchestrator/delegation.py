"""An agent asks another one in the middle of a person's turn: the steps of a turn, on that person's rights and budget.

It is the person's own turn with the other agent, as far as rights go: whoever may not talk to that agent does not reach
it through another. It has neither their history with it nor what it remembers of them, nothing of it is remembered, and
what would need a person's agreement is refused. Both turns are on record under one correlation id.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from aiox.kernel.envelope import MESSAGE, MessageReceived
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId, derived_id
from aiox.kernel.outcome import Answered, Failed, Usage
from aiox.runtime.logs import describe
from orchestrator.far_questions import ask_far
from orchestrator.ports import Ports
from orchestrator.proofs import (
    AgentAnswered,
    AgentAsked,
    Assigned,
    Delegation,
    Dispatched,
    Loaded,
    Repeated,
    Reserved,
    Stopped,
    Turn,
)
from orchestrator.steps.asking import asked_turn
from orchestrator.steps.assign import assign
from orchestrator.steps.authorise import authorise
from orchestrator.steps.budgets import scopes_of
from orchestrator.steps.dispatch import dispatch
from orchestrator.steps.identify import identify
from orchestrator.steps.interrupted import give_up
from orchestrator.steps.load import load
from orchestrator.steps.record import execution_of, execution_times, outcome_record
from orchestrator.steps.reserve import reserve
from registry import ledger
from registry.quotas import QuotaUnavailable
from registry.turns import Conclusion, LeaseLost

BROKE: Final = "The other agent could not be asked."
LATE: Final = "There is no time left in this turn to ask another agent."


async def ask_agent(ports: Ports, asked: AgentAsked) -> AgentAnswered:
    """What the other agent answers. Raises LeaseLost; every other failure is told as an answer."""
    if asked.until <= ports.clock.monotonic():
        return AgentAnswered("", LATE)
    try:
        return await (ask_far(ports, asked) if asked.to is None else _asked(ports, asked, asked.to))
    except LeaseLost:
        raise
    except Exception as broken:  # noqa: BLE001 -- the boundary: the turn that asks goes on
        ports.log.error("agent_not_asked", call_id=str(asked.call), error=describe(broken))
        return AgentAnswered("", BROKE, 0)


async def _asked(ports: Ports, asked: AgentAsked, agent: AgentId) -> AgentAnswered:
    prepared = await _prepare(ports, asked, agent)
    if isinstance(prepared, Stopped):
        await ledger.append(ports.pool, [prepared.decision, outcome_record(prepared, ports.clock.now())])
        return AgentAnswered("", _said(prepared))
    assigned = assign(ports, prepared)
    try:
        ended = await dispatch(ports, assigned)
    except asyncio.CancelledError:
        await _conclude(ports, asked, _given_up(assigned))
        await give_up(ports, asked.loaded, asked.call)
        raise
    await _conclude(ports, asked, ended)
    text = ended.outcome.text if isinstance(ended.outcome, Answered) else ""
    error = ended.outcome.reason if isinstance(ended.outcome, Failed) else ""
    return AgentAnswered(text, error, ended.tokens)


async def _prepare(ports: Ports, asked: AgentAsked, agent: AgentId) -> Reserved | Stopped:
    """Steps 4 to 7 of a turn. What the first turn has judged already is judged anew, for this agent."""
    identified = await identify(ports, _turn(ports, asked, agent))
    if isinstance(identified, Repeated):
        raise RuntimeError("a call has an id of its own, and is asked once")  # noqa: TRY004 -- of no wrong type
    authorised = await authorise(ports, identified)
    if isinstance(authorised, Stopped):
        return authorised
    loaded = await load(ports, authorised)
    return await reserve(ports, replace(loaded, delegation=_delegation(asked, loaded)))


def _turn(ports: Ports, asked: AgentAsked, agent: AgentId) -> Turn:
    """In the name of the person who talks to the first agent, under the lease of that turn."""
    first = asked.loaded.turn
    message = MessageReceived(
        sender_full=first.message.sender_full,
        sender=first.message.sender,
        agent_jid=asked.address,
        agent_id=agent,
        message_id="",
        turn_id=asked_turn(asked.call),
        body=asked.message,
        stanza_type="chat",
        thread="",
        proof=first.message.proof,
    )
    envelope = replace(
        first.envelope,
        id=derived_id(asked.call, "question"),
        type=MESSAGE,
        causation_id=first.envelope.id,
        occurred_at=ports.clock.now(),
        producer="orchestrator",
        payload=message,
    )
    return Turn(envelope, first.partition, first.fence, first.sequence)


def _delegation(asked: AgentAsked, loaded: Loaded) -> Delegation:
    by = asked.loaded
    same_owner = by.authorised.owner == loaded.authorised.owner
    return Delegation(by.chain, asked.call, asked.until, asked.tokens, scopes_of(by), same_owner)


def _said(stopped: Stopped) -> str:
    outcome = stopped.outcome
    return outcome.text if isinstance(outcome, Answered) else outcome.reason


def _given_up(assigned: Assigned) -> Dispatched:
    """The turn that asks was cancelled meanwhile, or its time is over: what the question has cost is paid."""
    failed = Failed(ErrorCode.CANCELLED, SENTENCES[ErrorCode.CANCELLED], Usage(0, 0))
    spending = assigned.reserved.loaded.turn.spending
    return Dispatched(assigned, failed, (), spending.total, paid=spending.paid)


async def _conclude(ports: Ports, asked: AgentAsked, ended: Dispatched) -> None:
    """Paid by the turn that asks, and on record. Raises LeaseLost, and what PostgreSQL raises."""
    message, now, by = ended.turn.message, ports.clock.now(), ended.loaded.delegation
    asked.loaded.turn.spending.pay(ended.tokens, same_owner=by is not None and by.same_owner)
    try:
        await ports.quotas.settle(ended.assigned.reserved.conversation, message.turn_id, ended.tokens, b"")
    except QuotaUnavailable as gone:
        ports.log.error("settlement_late", turn_id=str(message.turn_id), tokens=ended.tokens, error=str(gone))
    took = max(0, round((now - ended.turn.envelope.occurred_at).total_seconds() * 1000))
    execution = execution_of(ended, now, took)
    records = (ended.decision, outcome_record(ended, now))
    await ports.commits.add(
        Conclusion(ended.turn.partition, ended.turn.fence, inbox=(), records=records, executions=(execution,))
    )
    agent, times = str(ended.loaded.version.agent_id), execution_times(ended.outcome, took)
    ports.turn_metrics.used(agent, str(ended.owner), ended.own_tokens)
    ports.turn_metrics.concluded(execution.outcome, agent, times, ended.turn.envelope)
    ports.log.info(
        "agent_asked",
        owner_user_id=str(ended.owner),
        agent_id=str(message.agent_id),
        turn_id=str(message.turn_id),
        correlation_id=str(ended.turn.envelope.correlation_id),
        outcome=execution.outcome,
        tokens_used=ended.tokens,
    )
