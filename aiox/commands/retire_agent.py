"""Deletes an agent so that it can come back, brings it back, or has it purged without waiting for its time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiox.commands.agent_change import UNKNOWN, Change, IsCurrent, any_revision, change, changed
from aiox.commands.edit_agent import WhichAgent
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import Connection, owner_scope
from registry import agent_ends, ledger

DELETE: Final = Action.AGENT_DELETE
RESTORE: Final = Action.AGENT_RESTORE
PURGE: Final = Action.AGENT_PURGE


@dataclass(frozen=True, slots=True)
class Retired:
    """It was done to this agent."""

    agent_id: AgentId


async def delete(hub: Hub, actor: Actor, fields: WhichAgent, is_current: IsCurrent = any_revision) -> Retired | Refused:
    """From now on the agent is unknown to everyone, its owner's clients too. Refuses as `change`."""

    async def work(changing: Change) -> Retired | Refused:
        held = changing.held
        await changing.done("agent.deleted", {"version": held.active.number})
        await agent_ends.delete(changing.connection, held.owner, held.id, changing.now)
        return Retired(held.id)

    return await change(hub, actor, DELETE, fields.agent_id, is_current, work)


async def restore(hub: Hub, actor: Actor, fields: WhichAgent) -> Retired | Refused:
    """Brings a deleted agent back as it was. NOT_FOUND for all others, and once its end was asked for."""

    async def work(connection: Connection) -> bool:
        return await agent_ends.restore(connection, actor.owner, fields.agent_id)

    return await _of_deleted(hub, actor, RESTORE, fields.agent_id, "agent.restored", work)


async def purge(hub: Hub, actor: Actor, fields: WhichAgent) -> Retired | Refused:
    """Has a deleted agent purged within minutes, for good; its addresses stay on record. NOT_FOUND for all others."""

    async def work(connection: Connection) -> bool:
        return await agent_ends.ask_purge(connection, actor.owner, fields.agent_id, hub.clock.now())

    return await _of_deleted(hub, actor, PURGE, fields.agent_id, "agent.purge_asked", work)


async def _of_deleted(
    hub: Hub, actor: Actor, action: Action, agent_id: AgentId, event: str, work: Callable[[Connection], Awaitable[bool]]
) -> Retired | Refused:
    no = await refused_agent(hub, actor, action, agent_id, deleted=True)
    if no is not None:
        return no
    async with owner_scope(hub.pool, actor.owner) as connection:
        if not await work(connection):  # restored or purged since the gate looked
            return UNKNOWN
        await ledger.append(connection, [await changed(hub, actor, event, agent_id, {})])
    return Retired(agent_id)
