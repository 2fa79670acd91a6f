"""`aiox user preferences`: how an account wants to be answered, looked at and set by the operator in its name."""

from __future__ import annotations

from aiox.cli.agents import desk, done, form
from aiox.commands import preferences
from aiox.commands.preferences import SetPreferences
from aiox.kernel.preferences import Preferences
from aiox.runtime.settings import Settings


async def show(settings: Settings, owner: str) -> str:
    """What the account has set. Raises CannotGoOn."""
    async with desk(settings, owner) as here:
        return _said(done(await preferences.read(here.hub, here.actor)))


async def change(settings: Settings, owner: str, given: dict[str, str]) -> str:
    """Sets what is given and leaves the rest as it is; an empty value takes one back. Raises CannotGoOn."""
    async with desk(settings, owner) as here:
        before = done(await preferences.read(here.hub, here.actor))
        wanted = form(SetPreferences, {**before.model_dump(), **given})
        return _said(done(await preferences.put(here.hub, here.actor, wanted)))


async def clear(settings: Settings, owner: str) -> str:
    """Takes all of them back. Raises CannotGoOn."""
    async with desk(settings, owner) as here:
        return _said(done(await preferences.delete(here.hub, here.actor)))


def _said(found: Preferences) -> str:
    return "\n".join(f"{name:<9} {value or 'not set'}" for name, value in found.model_dump(mode="json").items())
