"""What an agent's answer to you rested on."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query

from aiox.commands import list_sources
from aiox.commands.list_sources import WhichAnswer
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.memories import SourcesOut

router = APIRouter(prefix="/v1/agents/{agent_id}/sources", tags=["memories"])

PER_MINUTE: Final = 100
"""Requests per account."""
_PROBLEMS: Final = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID)


@router.get("", responses=_PROBLEMS, openapi_extra=declared(Action.SOURCE_LIST))
async def read(
    door: TheDoor,
    actor: TheActor,
    agent_id: UUID,
    turn_id: Annotated[
        UUID | None, Query(description="one of your turns; left out: the newest that was answered")
    ] = None,
) -> SourcesOut:
    """Who told you that? Documents with their places, and what you had said, behind one answer."""
    await door.limit(Action.SOURCE_LIST, str(actor.owner), PER_MINUTE)
    result = await list_sources.run(door.hub, actor, WhichAnswer(agent_id=AgentId(agent_id), turn_id=turn_id))
    if isinstance(result, Refused):
        raise stop(result)
    return SourcesOut.model_validate(result)
