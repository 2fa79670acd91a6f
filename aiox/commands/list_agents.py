"""Lists the actor's own agents."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.outcome import Refused
from registry import agents
from registry.agents import AgentSummary

ACTION: Final = Action.AGENT_LIST


class ListAgents(Fields):
    """Nothing to ask for beyond the list itself."""


async def run(hub: Hub, actor: Actor, _fields: ListAgents) -> Sequence[AgentSummary] | Refused:
    """The agents of the actor, oldest first."""
    no = await refused(hub, actor, ACTION, actor.owner)
    return no if no is not None else await agents.list_summaries(hub.pool, actor.owner)
