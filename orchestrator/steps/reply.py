"""What the sender gets: an answer, or an error with the sentence for people. Ids are derived: a repeat is the same."""

from __future__ import annotations

from datetime import datetime

from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.kernel.ids import derived_id
from aiox.kernel.outcome import Answered
from orchestrator.ports import Ports
from orchestrator.proofs import Accepted

RESOURCE = "aiox"
"""One constant resource for all that agents say, so that a later correction (XEP-0308) matches."""


def reply(ports: Ports, ended: Accepted, now: datetime) -> Envelope[OutboxReady]:
    """The event that becomes the outbox row and, announced, the stanza."""
    turn, message, outcome = ended.turn, ended.turn.message, ended.outcome
    answered = isinstance(outcome, Answered)
    outbox_id = derived_id(message.turn_id, "reply:0")
    ready = OutboxReady(
        outbox_id=outbox_id,
        turn_id=message.turn_id,
        owner=ended.owner,
        from_jid=f"{message.agent_jid}/{RESOURCE}" if answered else message.agent_jid,
        to_jid=message.sender if answered else message.sender_full,
        kind="answer" if answered else "error",
        body=outcome.text if isinstance(outcome, Answered) else outcome.reason,
        error_code="" if isinstance(outcome, Answered) else str(outcome.code),
        stanza_id=str(outbox_id) if answered else message.message_id,
        reply_to_id=message.message_id,
        stanza_type=message.stanza_type,
        thread=message.thread,
        part=0,
    )
    return Envelope(
        id=derived_id(outbox_id, "event"),
        type="outbox.ready",
        version=1,
        tenant=ended.owner,
        channel=turn.envelope.channel,
        correlation_id=turn.envelope.correlation_id,
        causation_id=turn.envelope.id,
        occurred_at=now,
        producer="orchestrator",
        traceparent=turn.envelope.traceparent,
        payload=ready,
    )
