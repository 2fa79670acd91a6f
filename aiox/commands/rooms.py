"""Rooms that an agent is in, for its owner: looked at, left, and whether what is said to others there is read.

An agent comes into a room when it is invited (orchestrator/steps/room.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Final

from pydantic import StringConstraints

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.recording import happened
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from registry import rooms
from registry.rooms import Room

_NOT_THERE: Final = Refused(ErrorCode.NOT_FOUND, "The agent is not in this room.", ("M0 room",))
RoomJid = Annotated[
    str,
    StringConstraints(strip_whitespace=True, to_lower=True, max_length=1024, pattern=r"^[^@/\s\x00]+@[^@/\s\x00]+$"),
]


class AgentRooms(Fields):
    """Of which agent."""

    agent_id: AgentId


class WhichRoom(Fields):
    """A room of an agent."""

    agent_id: AgentId
    room: RoomJid


class GivenContext(Fields):
    """Whether what is said to others in a room is read."""

    whole_context: bool


class RoomContext(WhichRoom, GivenContext):
    """The same for one room."""


async def list_all(hub: Hub, actor: Actor, fields: AgentRooms) -> Sequence[Room] | Refused:
    """All rooms, those it was sent away from too. NOT_FOUND for unknown, deleted and foreign agents alike."""
    no = await refused_agent(hub, actor, Action.ROOM_LIST, fields.agent_id)
    return no if no is not None else await rooms.of_agent(hub.pool, actor.owner, fields.agent_id)


async def leave(hub: Hub, actor: Actor, fields: WhichRoom) -> Refused | None:
    """Takes the agent out of a room, within seconds. NOT_FOUND as above, and when it is not there."""
    no = await refused_agent(hub, actor, Action.ROOM_LEAVE, fields.agent_id)
    if no is not None:
        return no
    if not await rooms.leave(hub.pool, actor.owner, fields.agent_id, BareJid(fields.room)):
        return _NOT_THERE
    await happened(hub, actor, "room.left", agent_id=str(fields.agent_id))
    return None


async def read_all(hub: Hub, actor: Actor, fields: RoomContext) -> Refused | None:
    """Sets whether what is said to others there is read, from now on. NOT_FOUND as above."""
    no = await refused_agent(hub, actor, Action.ROOM_CONTEXT, fields.agent_id)
    if no is not None:
        return no
    whole = fields.whole_context
    if not await rooms.read_all(hub.pool, actor.owner, fields.agent_id, BareJid(fields.room), whole=whole):
        return _NOT_THERE
    await happened(hub, actor, "room.context_changed", agent_id=str(fields.agent_id), whole_context=whole)
    return None
