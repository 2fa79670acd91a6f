"""What an agent remembers about the actor: looked at, written and forgotten. The agent may be somebody else's.

Nobody sees or changes what it remembers about others, its owner neither: their own entries are all that is theirs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Annotated, Final
from uuid import UUID, uuid4

from pydantic import AfterValidator, StringConstraints

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.recording import happened
from aiox.commands.refusal import refused_related
from aiox.kernel.actions import Action
from aiox.kernel.agent import Prose
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from policy.storage import passages_of
from registry import agents, directory, memories, storage
from registry.memories import Remembered

FORGOTTEN: Final = "memory.forgotten"
ADDED: Final = "memory.added"
CHANGED: Final = "memory.changed"
MAX_CHARACTERS: Final = 2000
MOST: Final = 500
"""Entries of one person that an agent keeps; more can be told, not written."""
RULE_FULL: Final = "M0 memory"
_UNKNOWN: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
_STALE: Final = Refused(ErrorCode.PRECONDITION_FAILED, SENTENCES[ErrorCode.PRECONDITION_FAILED], ("G1 changed",))
_A_FILE: Final = Refused(
    ErrorCode.BODY_INVALID, "A file cannot be put right: have it forgotten, and send another one.", ("M1 file",)
)

IsCurrent = Callable[[str], bool]
"""Whether the text of an entry is the one that the caller means to change."""


def _has_words(text: str) -> str:
    line = " ".join(text.split())
    if not line:
        raise ValueError("there is nothing to remember")
    return line


EntryText = Annotated[Prose, StringConstraints(max_length=MAX_CHARACTERS), AfterValidator(_has_words)]
"""What an agent is to remember; runs of white space count as one space."""


class WhichMemory(Fields):
    """An agent, and one of the entries that it has about the actor."""

    agent_id: AgentId
    memory_id: UUID


class WhoseMemories(Fields):
    """An agent."""

    agent_id: AgentId


class GivenText(Fields):
    """The words of an entry."""

    content: EntryText


class NewMemory(GivenText):
    """An agent, and what it is to remember about the actor."""

    agent_id: AgentId


class ChangedMemory(GivenText):
    """An entry, and what is to stand there."""

    agent_id: AgentId
    memory_id: UUID


def any_text(_content: str) -> bool:
    """Whatever stands there, it is to be changed."""
    return True


async def list_mine(hub: Hub, actor: Actor, fields: WhoseMemories) -> Sequence[Remembered] | Refused:
    """The entries, oldest first. NOT_FOUND for agents that the actor may not talk to."""
    no = await refused_related(hub, actor, Action.MEMORY_LIST, fields.agent_id)
    return no if no is not None else await memories.of_subject(hub.pool, fields.agent_id, actor.jid)


async def read_one(hub: Hub, actor: Actor, fields: WhichMemory) -> Remembered | Refused:
    """One entry. NOT_FOUND when there is none of this id about the actor."""
    no = await refused_related(hub, actor, Action.MEMORY_READ, fields.agent_id)
    return no if no is not None else await _found(hub, actor, fields.agent_id, fields.memory_id) or _UNKNOWN


async def add(hub: Hub, actor: Actor, fields: NewMemory) -> Remembered | Refused:
    """Stores an entry. NOT_FOUND as above; MEMORY_FULL when the agent, its owner or this person have no room left."""
    no = await refused_related(hub, actor, Action.MEMORY_ADD, fields.agent_id)
    if no is None:
        no = await _no_room(hub, actor, fields)
    if no is not None:
        return no
    entry = Remembered(uuid4(), "fact", fields.content, "written", hub.clock.now())
    if not await memories.add(hub.pool, fields.agent_id, actor.jid, entry.id, entry.content, entry.created_at):
        return _UNKNOWN  # deleted since the gate looked
    await happened(hub, actor, ADDED, agent_id=str(fields.agent_id), memory_id=str(entry.id))
    return entry


async def change(
    hub: Hub, actor: Actor, fields: ChangedMemory, is_current: IsCurrent = any_text
) -> Remembered | Refused:
    """Puts other words in an entry's place. NOT_FOUND as above; PRECONDITION_FAILED when it says something else than
    the caller has seen.
    """
    no = await refused_related(hub, actor, Action.MEMORY_CHANGE, fields.agent_id)
    if no is not None:
        return no
    old = await _found(hub, actor, fields.agent_id, fields.memory_id)
    if old is None:
        return _UNKNOWN
    return await rewrite(hub, actor, fields.agent_id, old, fields.content) if is_current(old.content) else _STALE


async def rewrite(hub: Hub, actor: Actor, agent: AgentId, old: Remembered, content: str) -> Remembered | Refused:
    """The change itself, and its record, for whoever has passed the gate. PRECONDITION_FAILED as above; BODY_INVALID
    for a file, which is no words.
    """
    if old.kind == memories.FILE:
        return _A_FILE
    if not await memories.write(hub.pool, agent, actor.jid, old, content):
        return _STALE
    await happened(hub, actor, CHANGED, agent_id=str(agent), memory_id=str(old.id))
    return replace(old, content=content, origin="written")


async def forget_one(hub: Hub, actor: Actor, fields: WhichMemory) -> Refused | None:
    """Deletes one entry. NOT_FOUND when there is none of this id about the actor."""
    no = await refused_related(hub, actor, Action.MEMORY_DELETE, fields.agent_id)
    if no is not None:
        return no
    return None if await forget(hub, actor, fields.agent_id, [fields.memory_id]) else _UNKNOWN


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


async def _found(hub: Hub, actor: Actor, agent: AgentId, entry: UUID) -> Remembered | None:
    known = await memories.of_subject(hub.pool, agent, actor.jid)
    return next((one for one in known if one.id == entry), None)


async def _no_room(hub: Hub, actor: Actor, fields: NewMemory) -> Refused | None:
    """What is counted is the agent owner's, whoever writes."""
    if len(await memories.of_subject(hub.pool, fields.agent_id, actor.jid)) >= MOST:
        reason = f"This agent keeps {MOST} entries of a person. Mend: have some forgotten."
        return Refused(ErrorCode.MEMORY_FULL, reason, (RULE_FULL,))
    _, owner = await directory.find_relation(hub.pool, fields.agent_id, actor.jid)
    detail = None if owner is None else await agents.load_detail(hub.pool, owner, fields.agent_id)
    if owner is None or detail is None:  # deleted since the gate looked
        return _UNKNOWN
    needed = passages_of(len(fields.content.encode()))
    async with owner_scope(hub.pool, owner) as connection:
        space = await storage.used(connection, owner, detail.id, detail.version.governance.max_memory_mb)
    if needed <= space.left:
        return None
    # How much is stored is the owner's affair.
    reason = space.refusal(needed) if owner == actor.owner else SENTENCES[ErrorCode.MEMORY_FULL]
    return Refused(ErrorCode.MEMORY_FULL, reason, (RULE_FULL,))
