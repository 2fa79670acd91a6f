"""What people think of an agent's answers, for its owner: numbers by version, never who or about what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import reactions
from registry.reactions import VersionReactions

ACTION: Final = Action.REACTION_READ


class ReadReactions(Fields):
    """Of which agent."""

    agent_id: AgentId


async def run(hub: Hub, actor: Actor, fields: ReadReactions) -> Sequence[VersionReactions] | Refused:
    """By version, the newest first. NOT_FOUND for unknown, deleted and foreign agents alike."""
    no = await refused_agent(hub, actor, ACTION, fields.agent_id)
    return no if no is not None else await reactions.by_version(hub.pool, actor.owner, fields.agent_id)
