"""Turns of an agent, in figures."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query

from aiox.commands import list_executions
from aiox.commands.list_executions import ListExecutions
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.turns import ExecutionList, ExecutionOut

router = APIRouter(prefix="/v1/agents/{agent_id}/executions", tags=["executions"])

PER_MINUTE: Final = 100
"""Requests per account."""


@router.get(
    "",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID),
    openapi_extra=declared(list_executions.ACTION),
)
async def list_newest(
    door: TheDoor, actor: TheActor, agent_id: UUID, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> ExecutionList:
    """The newest turns: ids and figures, never texts."""
    await door.limit(list_executions.ACTION, str(actor.owner), PER_MINUTE)
    fields = ListExecutions(agent_id=AgentId(agent_id), limit=limit)
    result = await list_executions.run(door.hub, actor, fields)
    if isinstance(result, Refused):
        raise stop(result)
    return ExecutionList(items=[ExecutionOut.model_validate(turn) for turn in result])
