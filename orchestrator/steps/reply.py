"""What the sender gets: an answer, or an error with the sentence for people. Ids are derived: a repeat is the same."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from aiox.kernel.envelope import HTTP, KNOWN, REACTED, Attachment, Envelope, OutboxReady, Source, TurnData
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER, derived_id
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Answered, Refused
from orchestrator.proofs import Accepted, Dispatched, Stopped, Turn

GROUPCHAT = "groupchat"
RESOURCE = "aiox"
"""One constant resource for all that agents say, so that a later correction (XEP-0308) matches."""


Link = Callable[[Dispatched, datetime], Attachment | None]
"""A link to the whole of a long answer; None for one that needs none."""


def no_link(_ended: Dispatched, _now: datetime) -> Attachment | None:
    """No answer is too long."""
    return None


def replies_of(ended: Accepted, now: datetime, link: Link = no_link) -> tuple[Envelope[OutboxReady], ...]:
    """The events that become outbox rows and, announced, stanzas: the reply, and an owner's alert.

    Who asked over HTTP reads the answer there (steps/asked.py) and gets no stanza.
    """
    replies = () if _is_silent(ended) else (_envelope(ended.turn, _reply(ended, now, link), now),)
    if isinstance(ended, Stopped) and ended.alert_to is not None:
        return (*replies, _envelope(ended.turn, _alert(ended, ended.alert_to), now))
    return replies


def _is_silent(ended: Accepted) -> bool:
    """Nothing is said to a reaction, nor to a room that may not talk to the agent any more."""
    in_room = ended.turn.message.stanza_type == GROUPCHAT
    denied = isinstance(ended.outcome, Refused) and ended.outcome.code is ErrorCode.ACCESS_DENIED
    return ended.turn.envelope.channel == HTTP or ended.turn.envelope.type == REACTED or (in_room and denied)


def _words(ended: Accepted) -> str:
    """What is said. In a room it begins with the name of whom it is for, and an error is words, too."""
    outcome, message = ended.outcome, ended.turn.message
    text = outcome.text if isinstance(outcome, Answered) else outcome.reason
    if isinstance(ended, Dispatched) and ended.loaded.notes:
        text = "\n\n".join((text, *ended.loaded.notes))
    return f"{message.sender_full.partition('/')[2]}: {text}" if message.stanza_type == GROUPCHAT else text


def _reply(ended: Accepted, now: datetime, link: Link) -> OutboxReady:
    message, outcome = ended.turn.message, ended.outcome
    answered = isinstance(outcome, Answered) or message.stanza_type == GROUPCHAT
    outbox_id = derived_id(ended.turn.generation, "reply:0")
    return OutboxReady(
        outbox_id=outbox_id,
        turn_id=message.turn_id,
        owner=ended.owner,
        from_jid=f"{message.agent_jid}/{RESOURCE}" if answered else message.agent_jid,
        to_jid=message.sender if answered else message.sender_full,
        kind="answer" if answered else "error",
        body=_words(ended),
        error_code="" if isinstance(outcome, Answered) else str(outcome.code),
        stanza_id=str(outbox_id) if answered else message.message_id,
        reply_to_id=message.message_id,
        stanza_type=message.stanza_type,
        thread=message.thread,
        part=0,
        approvals=ended.approvals if isinstance(ended, Dispatched) and answered else (),
        priority=_priority(ended),
        data=_data(ended, outcome, now) if isinstance(outcome, Answered) else None,
        question=message.question,
        file=link(ended, now) if isinstance(ended, Dispatched) and message.stanza_type != GROUPCHAT else None,
    )


def _data(ended: Accepted, answer: Answered, now: datetime) -> TurnData:
    duration_ms = round((now - ended.turn.envelope.occurred_at).total_seconds() * 1000)
    return TurnData(
        version=ended.loaded.version.number if isinstance(ended, Dispatched) else 0,
        platform_ms=max(0, duration_ms - answer.worker_ms),
        worker_ms=answer.worker_ms,
        tokens=ended.tokens if isinstance(ended, Dispatched) else 0,
        sources=tuple(dict.fromkeys(Source(one.title, one.section) for one in answer.citations)),
    )


def _priority(ended: Accepted) -> float:
    return ended.loaded.version.capabilities.priority_weight if isinstance(ended, Dispatched) else 0.0


def _alert(ended: Stopped, owner: BareJid) -> OutboxReady:
    message = ended.turn.message
    outbox_id = derived_id(ended.turn.generation, "alert")
    return OutboxReady(
        outbox_id=outbox_id,
        turn_id=message.turn_id,
        owner=ended.owner,
        from_jid=f"{message.agent_jid}/{RESOURCE}",
        to_jid=owner,
        kind="notice",
        body=f"A message from {message.sender} could not be answered and was set aside."
        f" See it with: aiox turns show {message.turn_id}",
        error_code="",
        stanza_id=str(outbox_id),
        reply_to_id="",
        stanza_type="chat",
        thread="",
        part=0,
    )


def known_of(turn: Turn, now: datetime) -> Envelope[OutboxReady]:
    """The event that says of a repeated message that nothing more will come of it."""
    message = turn.message
    ready = OutboxReady(
        outbox_id=derived_id(message.turn_id, KNOWN),
        turn_id=message.turn_id,
        owner=HUB_OWNER,
        from_jid=message.agent_jid,
        to_jid=message.sender_full,
        kind=KNOWN,
        body="",
        error_code="",
        stanza_id="",
        reply_to_id="",
        stanza_type=message.stanza_type,
        thread="",
        part=0,
    )
    return _envelope(turn, ready, now)


def _envelope(turn: Turn, ready: OutboxReady, now: datetime) -> Envelope[OutboxReady]:
    return Envelope(
        id=derived_id(ready.outbox_id, "event"),
        type="outbox.ready",
        version=1,
        tenant=ready.owner,
        channel=turn.envelope.channel,
        correlation_id=turn.envelope.correlation_id,
        causation_id=turn.envelope.id,
        occurred_at=now,
        producer="orchestrator",
        traceparent=turn.envelope.traceparent,
        payload=ready,
    )
