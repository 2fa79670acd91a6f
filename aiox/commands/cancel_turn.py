"""Stops a turn that was asked over HTTP: for who asked it, nobody else. Asked again, nothing more happens."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

from aiox.commands import read_answer
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.read_answer import AnswerRead
from aiox.commands.refusal import hidden, refused
from aiox.kernel.actions import Action
from aiox.kernel.envelope import HTTP, CancelAsked, Envelope
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import TurnId
from aiox.kernel.outcome import Refused
from registry import asked
from registry.asked import AskedTurn

ACTION: Final = Action.TURN_CANCEL

Tell = Callable[[Envelope[CancelAsked]], Awaitable[None]]
"""Tells the orchestrators. Raises NotStored when the bus is away."""


class CancelTurn(Fields):
    """Which turn."""

    turn_id: TurnId


async def run(hub: Hub, actor: Actor, fields: CancelTurn, tell: Tell) -> AnswerRead | Refused:
    """The turn as it stands; it ends with CANCELLED soon, or with an answer that was there already.

    NOT_FOUND for unknown and foreign ones alike. Raises NotStored when the orchestrators could not be told: the turn is
    marked then, and asking again tells them.
    """
    turn = await asked.load(hub.pool, actor.owner, fields.turn_id)
    no = hidden(await refused(hub, actor, ACTION, None if turn is None else actor.owner))
    if no is not None or turn is None:
        return no or Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
    if turn.ended_at is None:
        await asked.ask_to_cancel(hub.pool, actor.owner, turn.turn, hub.clock.now())
        await tell(_event(hub, actor, turn))
    return await read_answer.again(hub, actor, turn)


def _event(hub: Hub, actor: Actor, turn: AskedTurn) -> Envelope[CancelAsked]:
    return Envelope(
        id=uuid4(),
        type="turn.cancel_asked",
        version=1,
        tenant=actor.owner,
        channel=HTTP,
        correlation_id=turn.correlation_id,
        causation_id=turn.correlation_id,
        occurred_at=hub.clock.now(),
        producer="gateway",
        traceparent="",
        payload=CancelAsked(turn.turn),
    )
