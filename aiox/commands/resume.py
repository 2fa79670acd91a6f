"""The event by which a held turn goes on once its call was granted: the message again, as a turn of its own."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Final
from uuid import UUID

from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.ids import TurnId, derived_id
from aiox.wire.codec import decode
from registry.approvals import Kept

RESUMED: Final = "turn.resumed"
"""Type of that event; its causation id is the approval's. Doors make no such events."""


def resumed(kept: Kept, now: datetime) -> Envelope[MessageReceived]:
    """The same at every call but for its time, so that it is answered once however often it is put on the bus."""
    event = decode(kept.message)
    if not isinstance(event.payload, MessageReceived):
        raise TypeError(f"an approval holds {event.type}")
    again = replace(event.payload, turn_id=resumed_turn(kept.approval.id))
    return replace(  # type: ignore[return-value]  # the check above is on the payload
        event, type=RESUMED, payload=again, causation_id=kept.approval.id, occurred_at=now
    )


def resumed_turn(approval: UUID) -> TurnId:
    """The turn in which a granted call runs."""
    return TurnId(derived_id(approval, "resume"))
