"""What agents' turns have used and cost."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query

from aiox.commands import read_owner_use, read_use
from aiox.commands.read_owner_use import ReadOwnerUse
from aiox.commands.read_use import ReadUse
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.turns import AgentUse, DayUseOut, ModelUseOut, OwnerUseOut, PersonUseOut

router = APIRouter(tags=["executions"])

PER_MINUTE: Final = 100
"""Requests per account."""


Days = Annotated[int, Query(ge=1, le=366)]


@router.get(
    "/v1/usage",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.BODY_INVALID),
    openapi_extra=declared(read_owner_use.ACTION),
)
async def of_all(door: TheDoor, actor: TheActor, days: Days = 30) -> OwnerUseOut:
    """Turns, tokens and estimated cost of all your agents, by day and by person, deleted agents among them."""
    await door.limit(read_owner_use.ACTION, str(actor.owner), PER_MINUTE)
    found = await read_owner_use.run(door.hub, actor, ReadOwnerUse(days=days))
    if isinstance(found, Refused):
        raise stop(found)
    return OwnerUseOut(
        days=days,
        by_day=[DayUseOut.model_validate(one) for one in found.by_day],
        by_person=[PersonUseOut.model_validate(one) for one in found.by_person],
    )


@router.get(
    "/v1/agents/{agent_id}/usage",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID),
    openapi_extra=declared(read_use.ACTION),
)
async def by_model(door: TheDoor, actor: TheActor, agent_id: UUID, days: Days = 30) -> AgentUse:
    """Turns, tokens and estimated cost by model. A cost that nobody knows is null, never 0."""
    await door.limit(read_use.ACTION, str(actor.owner), PER_MINUTE)
    result = await read_use.run(door.hub, actor, ReadUse(agent_id=AgentId(agent_id), days=days))
    if isinstance(result, Refused):
        raise stop(result)
    return AgentUse(days=days, items=[ModelUseOut.model_validate(one) for one in result])
