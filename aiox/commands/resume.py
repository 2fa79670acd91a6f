"""The event by which a held turn goes on once its call was granted: the message again, as a turn of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final, cast
from uuid import UUID

from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.ids import TurnId, derived_id
from aiox.kernel.jid import BareJid
from aiox.wire.codec import decode
from registry.approvals import Kept

RESUMED: Final = "turn.resumed"
"""Type of that event; its causation id is the approval's. Doors make no such events."""


def resumed(kept: Kept, now: datetime) -> Envelope[MessageReceived]:
    """The same at every call but for its time, so that it is answered once however often it is put on the bus."""
    event, message = _message(kept)
    again = replace(message, turn_id=resumed_turn(kept.approval.id))
    return replace(event, type=RESUMED, payload=again, causation_id=kept.approval.id, occurred_at=now)


def agent_jid_of(kept: Kept) -> BareJid:
    """The address at which the agent was asked, and from which its notices come."""
    return _message(kept)[1].agent_jid


def resumed_turn(approval: UUID) -> TurnId:
    """The turn in which a granted call runs."""
    return TurnId(derived_id(approval, "resume"))


def _message(kept: Kept) -> tuple[Envelope[MessageReceived], MessageReceived]:
    event = decode(kept.message)
    if not isinstance(event.payload, MessageReceived):
        raise TypeError(f"an approval holds {event.type}")
    return cast("Envelope[MessageReceived]", event), event.payload
