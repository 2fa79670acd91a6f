"""The image that an agent's active version shows, for its owner."""

from __future__ import annotations

from typing import Final

from aiox.commands.agent_change import UNKNOWN
from aiox.commands.edit_agent import WhichAgent
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.avatar import Image
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from registry import agent_avatars, agents

ACTION: Final = Action.AVATAR_READ


async def run(hub: Hub, actor: Actor, fields: WhichAgent) -> Image | Refused:
    """The image. NOT_FOUND for unknown, deleted and foreign agents alike, and for one without an avatar."""
    no = await refused_agent(hub, actor, ACTION, fields.agent_id)
    if no is not None:
        return no
    detail = await agents.load_detail(hub.pool, actor.owner, fields.agent_id)
    if detail is None:
        return UNKNOWN
    async with owner_scope(hub.pool, actor.owner) as connection:
        image = await agent_avatars.find(connection, actor.owner, fields.agent_id, detail.version.spec.profile.avatar)
    return UNKNOWN if image is None else image
