"""`aiox agent rooms` and `aiox agent reactions`: what each prints."""

from __future__ import annotations

from aiox.cli.agents import Desk, done
from aiox.commands import reactions, rooms
from aiox.commands.reactions import ReadReactions
from aiox.commands.rooms import AgentRooms, RoomContext, WhichRoom
from aiox.kernel.outcome import Refused
from registry.agents import AgentSummary


async def listed(here: Desk, agent: AgentSummary) -> str:
    """A line for each room. Raises CannotGoOn."""
    found = done(await rooms.list_all(here.hub, here.actor, AgentRooms(agent_id=agent.id)))
    lines = [
        f"{one.jid}  {one.state}  as {one.nick}{'  reads all that is said' if one.whole_context else ''}"
        for one in found
    ]
    return "\n".join(lines) or f"{agent.name} is in no room. Invite it into one from any XMPP client."


async def left(here: Desk, agent: AgentSummary, room: str) -> str:
    """Takes it out of a room. Raises CannotGoOn."""
    _done(await rooms.leave(here.hub, here.actor, WhichRoom(agent_id=agent.id, room=room)))
    return f"{agent.name} leaves {room}."


async def context_set(here: Desk, agent: AgentSummary, room: str, *, whole: bool) -> str:
    """Whether it reads what is said to others. Raises CannotGoOn."""
    _done(await rooms.read_all(here.hub, here.actor, RoomContext(agent_id=agent.id, room=room, whole_context=whole)))
    return f"In {room} {agent.name} reads {'all that is said' if whole else 'what is said to it'}."


async def reactions_shown(here: Desk, agent: AgentSummary) -> str:
    """Numbers by version. Raises CannotGoOn."""
    found = done(await reactions.run(here.hub, here.actor, ReadReactions(agent_id=agent.id)))
    lines = [f"version {one.version}: {one.good} good, {one.bad} bad" for one in found]
    return "\n".join(lines) or f"Nobody has reacted to an answer of {agent.name} yet."


def _done(result: Refused | None) -> None:
    if result is not None:
        done(result)
