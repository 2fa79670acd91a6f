"""Watches the answers in the actor's own chats while they are written."""

from __future__ import annotations

from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.outcome import Refused

ACTION: Final = Action.TURN_WATCH


class WatchChats(Fields):
    """Nothing to ask for: all chats are the actor's own."""


async def run(hub: Hub, actor: Actor, _fields: WatchChats) -> Refused | None:
    """Whether the actor may; None: yes."""
    return await refused(hub, actor, ACTION, actor.owner)
