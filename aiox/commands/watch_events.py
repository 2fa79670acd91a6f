"""Watches what changes with the actor's own agents, documents, turns and limits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.outcome import Refused
from registry import events
from registry.events import EventPosition, StateEvent

ACTION: Final = Action.EVENT_READ
PAGE: Final = 100
"""Events read at once."""


class WatchEvents(Fields):
    """Nothing to ask for: all events are the actor's own."""


async def run(hub: Hub, actor: Actor, _fields: WatchEvents) -> EventPosition | Refused:
    """Where the events that are still to come will stand."""
    no = await refused(hub, actor, ACTION, actor.owner)
    return no if no is not None else await events.end_of(hub.pool)


async def more(hub: Hub, actor: Actor, position: EventPosition) -> Sequence[StateEvent]:
    """The next events behind a position, for one who was let in and waits."""
    return await events.behind(hub.pool, actor.owner, position, PAGE)
