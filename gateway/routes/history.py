"""What you and an agent said to each other."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter

from aiox.commands import read_history
from aiox.commands.read_history import ReadHistory
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.cursors import After, Limit, cut, position_in
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.asked import History, SaidOut
from gateway.schemas.common import problems
from registry.pages import Position

router = APIRouter(prefix="/v1/agents/{agent_id}/history", tags=["messages"])

PER_MINUTE: Final = 100
"""Requests per account."""
_KIND: Final = "history"


@router.get(
    "",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID),
    openapi_extra=declared(read_history.ACTION),
)
async def read(door: TheDoor, actor: TheActor, agent_id: UUID, after: After = "", limit: Limit = 50) -> History:
    """Your own conversation, newest first, by whichever door. Nobody else's, also with an agent of yours."""
    await door.limit(read_history.ACTION, str(actor.owner), PER_MINUTE)
    fields = ReadHistory(agent_id=AgentId(agent_id), before=position_in(_KIND, after), limit=limit + 1)
    result = await read_history.run(door.hub, actor, fields)
    if isinstance(result, Refused):
        raise stop(result)
    page, further = cut(_KIND, result, limit, lambda said: Position(said.created_at, said.id))
    return History(items=[SaidOut.model_validate(said) for said in page], next=further)
