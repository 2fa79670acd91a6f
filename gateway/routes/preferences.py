"""How the signed-in person wants to be answered."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from aiox.commands import preferences
from aiox.commands.preferences import SetPreferences
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from aiox.kernel.preferences import Preferences
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems

router = APIRouter(prefix="/v1/preferences", tags=["preferences"])

PER_MINUTE: Final = 100
"""Requests per action and account."""


@router.get("", responses=problems(ErrorCode.UNAUTHENTICATED), openapi_extra=declared(Action.PREFERENCES_READ))
async def read(door: TheDoor, actor: TheActor) -> Preferences:
    """What you have set. Empty values were not set."""
    await door.limit(Action.PREFERENCES_READ, str(actor.owner), PER_MINUTE)
    return _shown(await preferences.read(door.hub, actor))


@router.put(
    "",
    responses=problems(
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_INVALID,
    ),
    openapi_extra=declared(Action.PREFERENCES_PUT),
)
async def put(door: TheDoor, actor: TheActor, fields: SetPreferences) -> Preferences:
    """Sets all of them at once. Every agent that you talk to heeds them from the next message on."""
    await door.limit(Action.PREFERENCES_PUT, str(actor.owner), PER_MINUTE)
    return _shown(await preferences.put(door.hub, actor, fields))


@router.delete("", responses=problems(ErrorCode.UNAUTHENTICATED), openapi_extra=declared(Action.PREFERENCES_DELETE))
async def delete(door: TheDoor, actor: TheActor) -> Preferences:
    """Takes back whatever you have set."""
    await door.limit(Action.PREFERENCES_DELETE, str(actor.owner), PER_MINUTE)
    return _shown(await preferences.delete(door.hub, actor))


def _shown(result: Preferences | Refused) -> Preferences:
    if isinstance(result, Refused):
        raise stop(result)
    return result
