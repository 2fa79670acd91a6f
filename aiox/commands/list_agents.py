"""Lists the actor's own agents, those that live or those that are deleted and may be restored."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.outcome import Refused
from registry import agents
from registry.agents import AgentSummary
from registry.pages import Position

ACTION: Final = Action.AGENT_LIST


class ListAgents(Fields):
    """Which of them, from which position of the list on (None: the first), and how many at most."""

    deleted: bool = False
    after: Position | None = None
    limit: int = Field(1_000_000, ge=1)


async def run(hub: Hub, actor: Actor, fields: ListAgents) -> Sequence[AgentSummary] | Refused:
    """The agents of the actor, oldest first."""
    no = await refused(hub, actor, ACTION, actor.owner)
    if no is not None:
        return no
    return await agents.list_summaries(
        hub.pool, actor.owner, deleted=fields.deleted, after=fields.after, limit=fields.limit
    )
