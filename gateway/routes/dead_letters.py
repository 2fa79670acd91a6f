"""Turns that were set aside: the owner looks, retries or drops them."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter

from aiox.commands import dead_letters
from aiox.commands.dead_letters import WhichTurn
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import TurnId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.turns import DeadLetterList, DeadLetterOut, DeadLetterShown

router = APIRouter(prefix="/v1/dead-letters", tags=["dead letters"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
_ONE = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.CONFLICT, ErrorCode.BODY_INVALID)


@router.get("", responses=problems(ErrorCode.UNAUTHENTICATED), openapi_extra=declared(Action.TURN_LIST))
async def list_open(door: TheDoor, actor: TheActor) -> DeadLetterList:
    """Turns of your agents that wait for your decision."""
    await door.limit(Action.TURN_LIST, str(actor.owner), PER_MINUTE)
    result = await dead_letters.list_open(door.hub, actor)
    if isinstance(result, Refused):
        raise stop(result)
    return DeadLetterList(items=[DeadLetterOut.model_validate(letter) for letter in result])


@router.get("/{turn_id}", responses=_ONE, openapi_extra=declared(Action.TURN_READ))
async def show(door: TheDoor, actor: TheActor, turn_id: UUID) -> DeadLetterShown:
    """One of them with its text."""
    await door.limit(Action.TURN_READ, str(actor.owner), PER_MINUTE)
    result = await dead_letters.show(door.hub, actor, WhichTurn(turn_id=TurnId(turn_id)))
    if isinstance(result, Refused):
        raise stop(result)
    letter = DeadLetterOut.model_validate(result.letter)
    return DeadLetterShown(**letter.model_dump(), text=result.text)


@router.post("/{turn_id}/retry", responses=_ONE, openapi_extra=declared(Action.TURN_RETRY))
async def retry(door: TheDoor, actor: TheActor, turn_id: UUID) -> DeadLetterOut:
    """Puts the message on the bus again; it is answered once, however often this is called."""
    await door.limit(Action.TURN_RETRY, str(actor.owner), PER_MINUTE)
    result = await dead_letters.retry(door.hub, actor, WhichTurn(turn_id=TurnId(turn_id)), door.resubmit)
    if isinstance(result, Refused):
        raise stop(result)
    return DeadLetterOut.model_validate(result)


@router.post("/{turn_id}/drop", responses=_ONE, openapi_extra=declared(Action.TURN_DROP))
async def drop(door: TheDoor, actor: TheActor, turn_id: UUID) -> DeadLetterOut:
    """Gives the message up and lets its text go."""
    await door.limit(Action.TURN_DROP, str(actor.owner), PER_MINUTE)
    result = await dead_letters.drop(door.hub, actor, WhichTurn(turn_id=TurnId(turn_id)))
    if isinstance(result, Refused):
        raise stop(result)
    return DeadLetterOut.model_validate(result)
