"""What an agent remembers about you."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from aiox.commands import memories
from aiox.commands.memories import ChangedMemory, GivenText, NewMemory, WhichMemory, WhoseMemories
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import Stopped, stop
from gateway.etags import IfMatch, check, etag
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.memories import Forgotten, MemoryList, MemoryOut
from registry.memories import Remembered

router = APIRouter(prefix="/v1/agents/{agent_id}/memories", tags=["memories"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
_PROBLEMS: Final = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND)
_WRITES: Final = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID, ErrorCode.MEMORY_FULL)
_CHANGES: Final = problems(
    ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID, ErrorCode.PRECONDITION_FAILED
)


@router.get("", responses=_PROBLEMS, openapi_extra=declared(Action.MEMORY_LIST))
async def list_mine(door: TheDoor, actor: TheActor, agent_id: UUID) -> MemoryList:
    """What the agent remembers about you, oldest first; what it knows from documents, or about others, is not here."""
    await door.limit(Action.MEMORY_LIST, str(actor.owner), PER_MINUTE)
    result = await memories.list_mine(door.hub, actor, WhoseMemories(agent_id=AgentId(agent_id)))
    if isinstance(result, Refused):
        raise stop(result)
    return MemoryList(items=[MemoryOut.model_validate(one) for one in result])


@router.post("", status_code=201, responses=_WRITES, openapi_extra=declared(Action.MEMORY_ADD))
async def add(door: TheDoor, actor: TheActor, agent_id: UUID, fields: GivenText, response: Response) -> MemoryOut:
    """Has the agent remember something about you; it is found in your conversations within seconds."""
    await door.limit(Action.MEMORY_ADD, str(actor.owner), PER_MINUTE)
    wanted = NewMemory(agent_id=AgentId(agent_id), content=fields.content)
    return _entry(await memories.add(door.hub, actor, wanted), response)


@router.get("/{memory_id}", responses=_PROBLEMS, openapi_extra=declared(Action.MEMORY_READ))
async def read(door: TheDoor, actor: TheActor, agent_id: UUID, memory_id: UUID, response: Response) -> MemoryOut:
    """One entry, with its ETag."""
    await door.limit(Action.MEMORY_READ, str(actor.owner), PER_MINUTE)
    which = WhichMemory(agent_id=AgentId(agent_id), memory_id=memory_id)
    return _entry(await memories.read_one(door.hub, actor, which), response)


@router.put("/{memory_id}", responses=_CHANGES, openapi_extra=declared(Action.MEMORY_CHANGE))
async def change(
    door: TheDoor,
    actor: TheActor,
    agent_id: UUID,
    memory_id: UUID,
    fields: GivenText,
    response: Response,
    if_match: IfMatch = None,
) -> MemoryOut:
    """Puts other words in an entry's place; a summary can be put right, too."""
    await door.limit(Action.MEMORY_CHANGE, str(actor.owner), PER_MINUTE)
    wanted = ChangedMemory(agent_id=AgentId(agent_id), memory_id=memory_id, content=fields.content)

    def is_current(content: str) -> bool:
        try:
            check(if_match, _tag(memory_id, content))
        except Stopped:
            return False
        return True

    return _entry(await memories.change(door.hub, actor, wanted, is_current), response)


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


def _tag(memory_id: UUID, content: str) -> str:
    return etag("memory", memory_id, content)


def _entry(result: Remembered | Refused, response: Response) -> MemoryOut:
    if isinstance(result, Refused):
        raise stop(result)
    response.headers["ETag"] = _tag(result.id, result.content)
    return MemoryOut.model_validate(result)
