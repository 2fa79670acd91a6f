"""What an agent's address tells a person beside the answers of turns: that it is there, that an approval waits, was
denied, was not used.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from uuid import UUID

from aiox.kernel.envelope import INTRODUCTION, RETRACTED, XMPP, Envelope, OutboxReady
from aiox.kernel.ids import OwnerId, TurnId, derived_id
from aiox.wire.codec import encode
from registry.turns import OutboxRow

RESOURCE = "aiox"
"""As of the agent's answers, so that a client shows one conversation."""


def notice(
    owner: OwnerId,
    parent: UUID,
    sender: str,
    to: str,
    text: str,
    now: datetime,
    approvals: tuple[str, ...] = (),
) -> OutboxRow:
    """A row for the outbox. `parent` and `to` make its id, so that the same notice is stored once.

    `sender` is the agent's bare address, `parent` what it is about, `approvals` the names of those to be decided on.
    """
    ready = _notice(owner, derived_id(parent, f"notice:{to}"), sender, to, text)
    return _row(replace(ready, approvals=approvals), parent, "approvals", now)


def introduction(owner: OwnerId, agent: UUID, sender: str, to: str, name: str, now: datetime) -> OutboxRow:
    """A new agent asks its owner to be taken among the contacts: so it shows in every client, with its name and state.

    `sender` is the agent's bare address, `name` its own.
    """
    text = f"{name} is your new AI agent on this hub. Accept to see it among your contacts and write to it."
    ready = replace(
        _notice(owner, derived_id(agent, f"introduction:{to}"), sender, to, text), kind=INTRODUCTION, name=name
    )
    return _row(replace(ready, from_jid=sender), agent, "agents", now)


def retraction(
    owner: OwnerId, answer: UUID, sender: str, to: str, parts: int, now: datetime, *, in_room: bool
) -> OutboxRow:
    """Takes back the answer that went out under this id, in `parts` parts at most."""
    ready = _notice(owner, derived_id(answer, f"retraction:{to}"), sender, to, "")
    kind = "groupchat" if in_room else "chat"
    ready = replace(ready, kind=RETRACTED, reply_to_id=str(answer), stanza_type=kind, part=parts)
    return _row(ready, answer, "answers", now)


def _notice(owner: OwnerId, outbox_id: UUID, sender: str, to: str, text: str) -> OutboxReady:
    return OutboxReady(
        outbox_id=outbox_id,
        turn_id=TurnId(outbox_id),
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


def _row(ready: OutboxReady, parent: UUID, producer: str, now: datetime) -> OutboxRow:
    event = Envelope(
        id=derived_id(ready.outbox_id, "event"),
        type="outbox.ready",
        version=1,
        tenant=ready.owner,
        channel=XMPP,
        correlation_id=ready.outbox_id,
        causation_id=parent,
        occurred_at=now,
        producer=producer,
        traceparent="",
        payload=ready,
    )
    return OutboxRow(ready.outbox_id, ready.turn_id, ready.owner, encode(event), now)
