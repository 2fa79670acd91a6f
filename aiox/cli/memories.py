"""`aiox agent memories ...`: what an agent remembers about the account that the operator speaks for."""

from __future__ import annotations

from aiox.cli.agents import Desk, done, form
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import list_sources, memories
from aiox.commands.list_sources import WhichAnswer
from aiox.commands.memories import ChangedMemory, NewMemory, WhichMemory, WhoseMemories
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from registry.agents import AgentSummary
from registry.memories import Remembered


async def listed(here: Desk, agent: AgentSummary) -> str:
    """The entries with their numbers."""
    found = done(await memories.list_mine(here.hub, here.actor, WhoseMemories(agent_id=agent.id)))
    lines = [line(number, one) for number, one in enumerate(found, 1)]
    return "\n".join(lines) or f"{agent.name} remembers nothing. Mend: aiox agent memories add {agent.id} WORDS"


async def added(here: Desk, agent: AgentSummary, words: str) -> str:
    """Stores an entry. Raises CannotGoOn."""
    fields = form(NewMemory, {"agent_id": str(agent.id), "content": words})
    return f"Remembered: {done(await memories.add(here.hub, here.actor, fields)).content}"


async def changed(here: Desk, agent: AgentSummary, number: int, words: str) -> str:
    """Changes an entry. Raises CannotGoOn."""
    old = await _numbered(here, agent, number)
    fields = form(ChangedMemory, {"agent_id": str(agent.id), "memory_id": str(old.id), "content": words})
    return f"Changed to: {done(await memories.change(here.hub, here.actor, fields, old.content.__eq__)).content}"


async def forgotten(here: Desk, agent: AgentSummary, number: int) -> str:
    """Forgets an entry. Raises CannotGoOn."""
    old = await _numbered(here, agent, number)
    no = await memories.forget_one(here.hub, here.actor, WhichMemory(agent_id=agent.id, memory_id=old.id))
    if no is not None:
        raise CannotGoOn(no.reason)
    return f"Forgotten: {old.content}"


async def sources_of(here: Desk, agent: AgentSummary) -> str:
    """What the agent's last answer rested on."""
    found = await list_sources.run(here.hub, here.actor, WhichAnswer(agent_id=agent.id))
    if isinstance(found, Refused) and found.code is ErrorCode.NOT_FOUND:
        return list_sources.words(None)
    return list_sources.words(done(found))


def line(number: int, one: Remembered) -> str:
    """An entry on one line."""
    how = f"{one.kind}, {one.origin}" if one.origin else one.kind
    return f"{number}. {one.content}  ({how}, {one.created_at.date()})"


async def _numbered(here: Desk, agent: AgentSummary, number: int) -> Remembered:
    found = done(await memories.list_mine(here.hub, here.actor, WhoseMemories(agent_id=agent.id)))
    if number > len(found):
        raise CannotGoOn(f"there is no entry {number}. Mend: see 'aiox agent memories list {agent.id}'")
    return found[number - 1]
