"""Your conversation with an agent: kept quiet for a while, and begun anew."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from aiox.commands import conversations, read_answer
from aiox.commands.conversations import GivenSpan, MuteAgent, WhichConversation
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.asked import TurnOut, turn_out
from gateway.schemas.common import problems
from gateway.schemas.conversations import MutedOut

router = APIRouter(prefix="/v1/agents/{agent_id}", tags=["messages"])

PER_MINUTE: Final = 60
"""Of one kind by one person, in the same window as the commands of a chat."""


@router.put(
    "/mute",
    responses=problems(
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.NOT_FOUND,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_INVALID,
    ),
    openapi_extra=declared(Action.CHAT_MUTE),
)
async def mute(door: TheDoor, actor: TheActor, agent_id: UUID, fields: GivenSpan) -> MutedOut:
    """Keeps what you have not asked for away, such as news of limits that are reached; answers come all the same."""
    await door.limit(Action.CHAT_MUTE, actor.jid, PER_MINUTE)
    wanted = MuteAgent(agent_id=AgentId(agent_id), minutes=fields.minutes)
    result = await conversations.mute(door.hub, actor, wanted)
    if isinstance(result, Refused):
        raise stop(result)
    return MutedOut(muted_until=result)


@router.post(
    "/reset",
    status_code=202,
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(Action.CHAT_RESET),
)
async def reset(response: Response, door: TheDoor, actor: TheActor, agent_id: UUID) -> TurnOut:
    """Begins your conversation with the agent anew, behind what you have asked before; see Location for its end.

    What was said before is not in the agent's mind any more. What it remembers about you stays.
    """
    await door.limit(Action.CHAT_RESET, actor.jid, PER_MINUTE)
    which = WhichConversation(agent_id=AgentId(agent_id))
    turn = await conversations.reset(door.hub, actor, which, door.resubmit)
    if isinstance(turn, Refused):
        raise stop(turn)
    response.headers["Location"] = f"/v1/turns/{turn.turn}"
    return turn_out(await read_answer.opened(door.hub, actor, turn))
