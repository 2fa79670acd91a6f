"""Reads a turn that was asked over HTTP: whether it is open, and what came of it. For who asked, nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import hidden, refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import TurnId
from aiox.kernel.outcome import Refused
from registry import asked, tenants
from registry.asked import Answer, AskedTurn

ACTION: Final = Action.TURN_ANSWER


class ReadAnswer(Fields):
    """Which turn."""

    turn_id: TurnId


@dataclass(frozen=True, slots=True)
class AnswerRead:
    """The turn, and its answer in clear once there is one."""

    turn: AskedTurn
    answer: Answer | None


async def run(hub: Hub, actor: Actor, fields: ReadAnswer) -> AnswerRead | Refused:
    """The turn. NOT_FOUND for unknown and foreign ones alike."""
    turn = await asked.load(hub.pool, actor.owner, fields.turn_id)
    no = hidden(await refused(hub, actor, ACTION, None if turn is None else actor.owner))
    if no is not None or turn is None:
        return no or Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
    return await opened(hub, actor, turn)


async def again(hub: Hub, actor: Actor, turn: AskedTurn) -> AnswerRead:
    """The same turn as it stands now, for one who was let in to it and waits. Raises CannotOpen."""
    return await opened(hub, actor, await asked.load(hub.pool, actor.owner, turn.turn) or turn)


async def opened(hub: Hub, actor: Actor, turn: AskedTurn) -> AnswerRead:
    """A turn of the actor's with its answer in clear. Raises CannotOpen."""
    if turn.sealed is None:
        return AnswerRead(turn, None)
    ring = await tenants.load_ring(hub.pool, hub.keys, actor.owner)
    return AnswerRead(turn, asked.open_answer(ring, actor.owner, turn.correlation_id, turn.sealed))
