"""A person's preferences: read, set, take back. Explicit only: nothing else ever writes them (SPEC 5)."""

from __future__ import annotations

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.outcome import Refused
from aiox.kernel.preferences import NONE_SET, Format, Language, Preferences, Tone
from registry import preferences


class SetPreferences(Fields):
    """All of them; what is left out is not preferred any more."""

    tone: Tone = Tone.UNSET
    format: Format = Format.UNSET
    language: Language = ""


async def read(hub: Hub, actor: Actor) -> Preferences | Refused:
    """What the actor has set."""
    no = await refused(hub, actor, Action.PREFERENCES_READ, actor.owner)
    return no if no is not None else await preferences.load(hub.pool, actor.owner)


async def put(hub: Hub, actor: Actor, fields: SetPreferences) -> Preferences | Refused:
    """Replaces what the actor has set. The next turn heeds it."""
    no = await refused(hub, actor, Action.PREFERENCES_PUT, actor.owner)
    if no is not None:
        return no
    wanted = Preferences(**fields.model_dump())
    await preferences.store(hub.pool, actor.owner, wanted, hub.clock.now())
    return wanted


async def delete(hub: Hub, actor: Actor) -> Preferences | Refused:
    """Takes back whatever was set; again is a no-op."""
    no = await refused(hub, actor, Action.PREFERENCES_DELETE, actor.owner)
    if no is not None:
        return no
    await preferences.forget(hub.pool, actor.owner)
    return NONE_SET
