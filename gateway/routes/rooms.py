"""Rooms that an agent is in."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter
from pydantic import ValidationError

from aiox.commands import rooms
from aiox.commands.rooms import AgentRooms, GivenContext, RoomContext, WhichRoom
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import Stopped, stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.rooms import RoomList, RoomOut

router = APIRouter(prefix="/v1/agents/{agent_id}/rooms", tags=["rooms"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
_PROBLEMS: Final = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND)


@router.get("", responses=_PROBLEMS, openapi_extra=declared(Action.ROOM_LIST))
async def list_all(door: TheDoor, actor: TheActor, agent_id: UUID) -> RoomList:
    """The rooms that the agent is in, and those it was sent away from."""
    await door.limit(Action.ROOM_LIST, str(actor.owner), PER_MINUTE)
    result = await rooms.list_all(door.hub, actor, AgentRooms(agent_id=AgentId(agent_id)))
    if isinstance(result, Refused):
        raise stop(result)
    return RoomList(items=[RoomOut.model_validate(one) for one in result])


@router.put(
    "/{room}",
    status_code=204,
    responses=_PROBLEMS | problems(ErrorCode.BODY_INVALID),
    openapi_extra=declared(Action.ROOM_CONTEXT),
)
async def read_all(door: TheDoor, actor: TheActor, agent_id: UUID, room: str, given: GivenContext) -> None:
    """Whether what is said to others there is read, too: off when an agent comes into a room."""
    await door.limit(Action.ROOM_CONTEXT, str(actor.owner), PER_MINUTE)
    which = _which(agent_id, room)
    fields = RoomContext(agent_id=which.agent_id, room=which.room, whole_context=given.whole_context)
    result = await rooms.read_all(door.hub, actor, fields)
    if isinstance(result, Refused):
        raise stop(result)


@router.delete("/{room}", status_code=204, responses=_PROBLEMS, openapi_extra=declared(Action.ROOM_LEAVE))
async def leave(door: TheDoor, actor: TheActor, agent_id: UUID, room: str) -> None:
    """Takes the agent out of a room."""
    await door.limit(Action.ROOM_LEAVE, str(actor.owner), PER_MINUTE)
    result = await rooms.leave(door.hub, actor, _which(agent_id, room))
    if isinstance(result, Refused):
        raise stop(result)


def _which(agent_id: UUID, room: str) -> WhichRoom:
    try:
        return WhichRoom(agent_id=AgentId(agent_id), room=room)
    except ValidationError:
        raise Stopped(ErrorCode.NOT_FOUND) from None
