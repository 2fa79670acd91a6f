"""Agents to begin with."""

from __future__ import annotations

from fastapi import APIRouter

from aiox.commands import list_templates
from aiox.commands.list_templates import ListTemplates
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.agents import PER_MINUTE
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.templates import TemplateList, TemplateOut

router = APIRouter(prefix="/v1/templates", tags=["agents"])


@router.get("", responses=problems(ErrorCode.UNAUTHENTICATED), openapi_extra=declared(list_templates.ACTION))
async def list_all(door: TheDoor, actor: TheActor) -> TemplateList:
    """All templates, by name; send the `agent` of one to `POST /v1/agents`."""
    await door.limit(list_templates.ACTION, str(actor.owner), PER_MINUTE)
    result = await list_templates.run(door.hub, actor, ListTemplates())
    if isinstance(result, Refused):
        raise stop(result)
    return TemplateList(items=[TemplateOut.model_validate(one) for one in result])
