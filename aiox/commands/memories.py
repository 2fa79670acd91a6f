"""What an agent remembers about the actor: looked at, and forgotten. The agent may be somebody else's.

Nobody sees or forgets what it remembers about others, its owner neither: their own entries are all that is theirs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.recording import happened
from aiox.commands.refusal import refused_related
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import memories
from registry.memories import Remembered

FORGOTTEN: Final = "memory.forgotten"


class WhichMemory(Fields):
    """An agent, and one of the entries that it has about the actor."""

    agent_id: AgentId
    memory_id: UUID


class WhoseMemories(Fields):
    """An agent."""

    agent_id: AgentId


async def list_mine(hub: Hub, actor: Actor, fields: WhoseMemories) -> Sequence[Remembered] | Refused:
    """The entries, oldest first. NOT_FOUND for agents that the actor may not talk to."""
    no = await refused_related(hub, actor, Action.MEMORY_LIST, fields.agent_id)
    return no if no is not None else await memories.of_subject(hub.pool, fields.agent_id, actor.jid)


async def forget_one(hub: Hub, actor: Actor, fields: WhichMemory) -> Refused | None:
    """Deletes one entry. NOT_FOUND when there is none of this id about the actor."""
    no = await refused_related(hub, actor, Action.MEMORY_DELETE, fields.agent_id)
    if no is not None:
        return no
    if not await forget(hub, actor, fields.agent_id, [fields.memory_id]):
        return Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
    return None


async def forget_all(hub: Hub, actor: Actor, fields: WhoseMemories) -> int | Refused:
    """Deletes all entries about the actor; returns how many. NOT_FOUND as above."""
    no = await refused_related(hub, actor, Action.MEMORY_CLEAR, fields.agent_id)
    return no if no is not None else await forget(hub, actor, fields.agent_id, None)


async def forget(hub: Hub, actor: Actor, agent: AgentId, entries: Sequence[UUID] | None) -> int:
    """Deletes, and puts on record how many, for whoever has passed the gate."""
    gone = await memories.forget(hub.pool, agent, actor.jid, entries)
    if gone:
        await happened(hub, actor, FORGOTTEN, agent_id=str(agent), entries=gone)
    return gone
