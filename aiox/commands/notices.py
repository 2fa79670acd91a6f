"""What an agent's address tells a person beside the answers of turns: an approval waits, was denied, was not used."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from aiox.kernel.envelope import XMPP, Envelope, OutboxReady
from aiox.kernel.ids import OwnerId, TurnId, derived_id
from aiox.wire.codec import encode
from registry.turns import OutboxRow

RESOURCE = "aiox"
"""As of the agent's answers, so that a client shows one conversation."""


def notice(owner: OwnerId, parent: UUID, sender: str, to: str, text: str, now: datetime) -> OutboxRow:
    """A row for the outbox. `parent` and `to` make its id, so that the same notice is stored once.

    `sender` is the agent's bare address, `parent` what it is about.
    """
    outbox_id = derived_id(parent, f"notice:{to}")
    turn = TurnId(outbox_id)
    ready = OutboxReady(
        outbox_id=outbox_id,
        turn_id=turn,
        owner=owner,
        from_jid=f"{sender}/{RESOURCE}",
        to_jid=to,
        kind="notice",
        body=text,
        error_code="",
        stanza_id=str(outbox_id),
        reply_to_id="",
        stanza_type="chat",
        thread="",
        part=0,
    )
    event = Envelope(
        id=derived_id(outbox_id, "event"),
        type="outbox.ready",
        version=1,
        tenant=owner,
        channel=XMPP,
        correlation_id=outbox_id,
        causation_id=parent,
        occurred_at=now,
        producer="approvals",
        traceparent="",
        payload=ready,
    )
    return OutboxRow(outbox_id, turn, owner, encode(event), now)
