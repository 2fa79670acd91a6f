"""Turns that were asked over HTTP, for who asked them: what came of them, and an end before their time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final
from uuid import UUID

from fastapi import APIRouter, Request, Response

from aiox.commands import cancel_turn, read_answer
from aiox.commands.cancel_turn import CancelTurn
from aiox.commands.read_answer import ReadAnswer
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import TurnId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.following import Listener, follow
from gateway.front import TheFront
from gateway.routes.declared import declared
from gateway.routes.listening import EVENTS, still_valid, wants_events
from gateway.schemas.asked import TurnOut, turn_out
from gateway.schemas.common import problems
from gateway.streams import EventStream

router = APIRouter(prefix="/v1/turns", tags=["messages"])

PER_MINUTE: Final = 600
"""Requests per account: an answer is asked for until it is there."""


@router.get(
    "/{turn_id}",
    response_model=TurnOut,
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND) | EVENTS,
    openapi_extra=declared(read_answer.ACTION),
)
async def read(request: Request, door: TheDoor, front: TheFront, actor: TheActor, turn_id: UUID) -> TurnOut | Response:
    """A turn that you asked, kept for eight days. With `Accept: text/event-stream`, its events from here on."""
    await door.limit(read_answer.ACTION, str(actor.owner), PER_MINUTE)
    found = await read_answer.run(door.hub, actor, ReadAnswer(turn_id=TurnId(turn_id)))
    if isinstance(found, Refused):
        raise stop(found)

    @asynccontextmanager
    async def going_on() -> AsyncIterator[AsyncIterator[bytes]]:
        async with front.listen(actor.jid) as pieces:
            now = await read_answer.again(door.hub, actor, found.turn)
            yield follow(Listener(door.hub, actor, still_valid(door, actor)), now.turn, pieces)

    if wants_events(request):
        return EventStream(going_on, front.streams, actor.owner)
    return turn_out(found)


@router.delete(
    "/{turn_id}",
    status_code=202,
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(cancel_turn.ACTION),
)
async def cancel(door: TheDoor, front: TheFront, actor: TheActor, turn_id: UUID) -> TurnOut:
    """Stops a turn that you asked: its model call ends, and the turn with it (CANCELLED). Asked again, the same.

    One that has ended stays as it is. Tokens used until then are counted. What tools have done is not undone.
    """
    await door.limit(cancel_turn.ACTION, str(actor.owner), PER_MINUTE)
    found = await cancel_turn.run(door.hub, actor, CancelTurn(turn_id=TurnId(turn_id)), front.cancel)
    if isinstance(found, Refused):
        raise stop(found)
    return turn_out(found)
