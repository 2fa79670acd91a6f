"""What an agent remembers about you."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter

from aiox.commands import memories
from aiox.commands.memories import WhichMemory, WhoseMemories
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.memories import Forgotten, MemoryList, MemoryOut

router = APIRouter(prefix="/v1/agents/{agent_id}/memories", tags=["memories"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
_PROBLEMS: Final = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND)


@router.get("", responses=_PROBLEMS, openapi_extra=declared(Action.MEMORY_LIST))
async def list_mine(door: TheDoor, actor: TheActor, agent_id: UUID) -> MemoryList:
    """What the agent remembers about you, oldest first; what it knows from documents, or about others, is not here."""
    await door.limit(Action.MEMORY_LIST, str(actor.owner), PER_MINUTE)
    result = await memories.list_mine(door.hub, actor, WhoseMemories(agent_id=AgentId(agent_id)))
    if isinstance(result, Refused):
        raise stop(result)
    return MemoryList(items=[MemoryOut.model_validate(one) for one in result])


@router.delete("", responses=_PROBLEMS, openapi_extra=declared(Action.MEMORY_CLEAR))
async def forget_all(door: TheDoor, actor: TheActor, agent_id: UUID) -> Forgotten:
    """Has all of it forgotten."""
    await door.limit(Action.MEMORY_CLEAR, str(actor.owner), PER_MINUTE)
    result = await memories.forget_all(door.hub, actor, WhoseMemories(agent_id=AgentId(agent_id)))
    if isinstance(result, Refused):
        raise stop(result)
    return Forgotten(entries=result)


@router.delete("/{memory_id}", status_code=204, responses=_PROBLEMS, openapi_extra=declared(Action.MEMORY_DELETE))
async def forget(door: TheDoor, actor: TheActor, agent_id: UUID, memory_id: UUID) -> None:
    """Has one entry forgotten."""
    await door.limit(Action.MEMORY_DELETE, str(actor.owner), PER_MINUTE)
    which = WhichMemory(agent_id=AgentId(agent_id), memory_id=memory_id)
    result = await memories.forget_one(door.hub, actor, which)
    if isinstance(result, Refused):
        raise stop(result)
