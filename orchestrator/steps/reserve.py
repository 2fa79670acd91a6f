"""The rest of step 5: tokens are set aside before a model runs, and the conversation so far is read (one call)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final
from uuid import UUID

from aiox.commands.gate_metrics import violated
from aiox.commands.resume import RESUMED
from aiox.kernel.actions import Action
from aiox.kernel.envelope import HTTP, HUB
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.outcome import Refused
from aiox.kernel.units import estimate_tokens
from aiox.runtime.keyring import UnknownKey
from aiox.runtime.steps import Step
from orchestrator.ports import Ports
from orchestrator.proofs import Loaded, Reserved, Stopped
from orchestrator.steps.asking import refused_chain
from orchestrator.steps.budgets import at_once_of, limits_of
from policy.quota import MINUTE_S, Exceeded, Unit, refusal
from registry import quotas
from registry.quotas import Conversation, QuotaSilent, QuotaUnavailable, Rate, Request
from registry.rates import WINDOW_S, rate_key
from registry.short_term import PastTurn, open_entry, read_again

NOTHING_LEFT: Final = "The turn that asks has not enough tokens left for this question."


async def reserve(ports: Ports, loaded: Loaded) -> Reserved | Stopped:
    """Counts the input high, caps the output to the tightest window; refuses when the input alone does not fit.

    In the same step the message is counted against what its sender may send in a minute, by whichever door.
    """
    turn, authorised = loaded.turn, loaded.authorised
    message = turn.message
    conversation = Conversation(
        authorised.owner, message.agent_id, message.sender, loaded.version.memory_config.short_term_limit
    )
    if loaded.delegation is not None:
        conversation = replace(conversation, history_limit=0)  # what one agent asks another is no conversation of both
    if too_far := refused_chain(ports, loaded):
        return _stopped(loaded, ErrorCode.TOOL_REFUSED, too_far, "Q4 chain")
    request = _request(ports, loaded)
    if request.max_tokens <= 0:
        return _stopped(loaded, ErrorCode.QUOTA_EXCEEDED, NOTHING_LEFT, "Q3 asker's budget")
    with ports.telemetry.span(Step.RESERVED, turn.envelope.traceparent, turn.attributes):
        try:
            found = await _patiently(ports, conversation, request)
            if isinstance(found, quotas.Reserved) and found.history_missing:
                found = await _with_history(ports, loaded, conversation, request, found)
        except QuotaUnavailable as gone:
            ports.log.error("quota_unavailable", error=str(gone))
            return _stopped(
                loaded, ErrorCode.QUOTA_UNAVAILABLE, SENTENCES[ErrorCode.QUOTA_UNAVAILABLE], "Q0 no-counter"
            )
    if isinstance(found, Exceeded) and found.unit is Unit.MESSAGES:
        return _stopped(loaded, ErrorCode.RATE_LIMITED, refusal(found), "Q2 messages")
    if isinstance(found, Exceeded):
        return _stopped(loaded, ErrorCode.QUOTA_EXCEEDED, refusal(found), f"Q1 {found.window}")
    history = await _opened(ports, loaded, found.entries)
    minute = request.now_ms // (MINUTE_S * 1000)
    return Reserved(loaded, conversation, found.reservation, history, minute, found.crashed)


async def _opened(ports: Ports, loaded: Loaded, entries: Sequence[bytes]) -> tuple[PastTurn, ...]:
    """The conversation so far. What another orchestrator sealed with a newer key is opened with the ring as it is now;
    what lay here longer than its key was kept is forgotten.
    """
    owner, message, ring = loaded.authorised.owner, loaded.turn.message, loaded.ring
    try:
        return tuple(open_entry(ring, owner, message.agent_id, message.sender, entry) for entry in entries)
    except UnknownKey:
        ring = await ports.versions.ring(owner)
    history = []
    for entry in entries:
        try:
            history.append(open_entry(ring, owner, message.agent_id, message.sender, entry))
        except UnknownKey:
            ports.log.info("past_turn_forgotten", turn_id=str(message.turn_id))
    return tuple(history)


async def _with_history(
    ports: Ports, loaded: Loaded, conversation: Conversation, request: Request, found: quotas.Reserved
) -> quotas.Reserved | Exceeded:
    """Redis may have lost the conversation: what was recorded of it is put back, and the reservation made anew.

    A conversation that nothing is known of is new. Raises QuotaUnavailable, or what PostgreSQL raised.
    """
    owner, message = loaded.authorised.owner, loaded.turn.message

    def damaged(execution: UUID) -> None:
        ports.log.error("past_turn_damaged", execution_id=str(execution))

    entries = await read_again(
        ports.pool,
        ports.versions.ring,
        owner,
        message.agent_id,
        message.sender,
        conversation.history_limit,
        ports.clock.now(),
        damaged,
    )
    if not entries:
        return found
    await ports.quotas.remember(conversation, entries)
    ports.log.info("conversation_read_again", turn_id=str(message.turn_id), turns=len(entries))
    return await _patiently(ports, conversation, request)


async def _patiently(ports: Ports, conversation: Conversation, request: Request) -> quotas.Reserved | Exceeded:
    """Once, and once more when the counters are rebuilt in time: Redis has forgotten them, or starts anew. A Redis that
    is there and does not answer was waited for already. Raises QuotaUnavailable.
    """
    try:
        return await ports.quotas.reserve(conversation, request)
    except QuotaSilent:
        raise
    except QuotaUnavailable:
        if not await ports.counters.whole():
            raise
    return await ports.quotas.reserve(conversation, request)


def _request(ports: Ports, loaded: Loaded) -> Request:
    input_tokens, most = sum(map(estimate_tokens, _read_by_the_model(loaded))), loaded.version.llm_config.max_tokens
    return Request(
        turn=loaded.turn.message.turn_id,
        input_tokens=input_tokens,
        max_tokens=min(most, loaded.delegation.tokens - input_tokens) if loaded.delegation else most,
        limits=limits_of(loaded),
        at_once=at_once_of(loaded),
        now_ms=round(ports.clock.now().timestamp() * 1000),
        lease_ms=2 * ports.settings.limits.turn_timeout_ms,
        spent=loaded.turn.spending.total,
        rate=_rate(ports, loaded),
    )


def _rate(ports: Ports, loaded: Loaded) -> Rate | None:
    """The HTTP door counts its messages itself, before it takes them; a held turn that goes on was counted, and what
    the hub does by itself, or one of its agents asks another, is no message.
    """
    turn = loaded.turn
    if loaded.delegation is not None and turn.message.question is None:
        return None
    if turn.envelope.channel in (HTTP, HUB) or turn.envelope.type == RESUMED:
        return None
    key = rate_key(Action.AGENT_INVOKE, turn.message.sender)
    messages = [member.message.turn_id for member in turn.all_members]
    return Rate(key, ports.settings.limits.messages_per_minute, WINDOW_S, messages)


def _read_by_the_model(loaded: Loaded) -> tuple[str, ...]:
    message = loaded.turn.message
    return loaded.system_prompt, message.body, message.response_schema, _done_before(loaded)


def _done_before(loaded: Loaded) -> str:
    """What a turn that was held has done until then: the model reads it again."""
    return loaded.approved.transcript.decode() if loaded.approved else ""


def _stopped(loaded: Loaded, code: ErrorCode, reason: str, rule: str) -> Stopped:
    authorised = loaded.authorised
    violated(code)
    return Stopped(loaded.turn, authorised.owner, Refused(code, reason, (rule,)), authorised.decision)
