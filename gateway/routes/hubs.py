"""Hubs that know each other: pinned keys, and who vouches for whose ledger. For the hub's admins and auditors."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Response

from aiox.commands import hub_trust, ledger_witnesses
from aiox.commands.fields import read
from aiox.commands.hub_trust import WhichHub
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.hubs import HubList, HubOut, WitnessesOut

router = APIRouter(tags=["hubs"])

PER_MINUTE: Final = 60
"""Requests per action and account."""
_ALL: Final = "/v1/hubs"
_KEYS: Final = _ALL + "/{domain}/keys"
_WITNESSES: Final = "/v1/ledger/witnesses"
_RULED: Final = (ErrorCode.UNAUTHENTICATED, ErrorCode.ACCESS_DENIED)
_NAMED: Final = (*_RULED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID)


@router.get(_ALL, responses=problems(*_RULED), openapi_extra=declared(Action.HUB_KEYS))
async def list_all(door: TheDoor, actor: TheActor) -> HubList:
    """The hubs whose keys are pinned here. For hub admins and auditors."""
    await door.limit(Action.HUB_KEYS, str(actor.owner), PER_MINUTE)
    found = await hub_trust.list_pinned(door.hub, actor)
    if isinstance(found, Refused):
        raise stop(found)
    return HubList(items=[HubOut.of(one) for one in found])


@router.delete(
    _KEYS,
    status_code=204,
    response_class=Response,
    responses=problems(*_NAMED),
    openapi_extra=declared(Action.HUB_UNPIN),
)
async def unpin(door: TheDoor, actor: TheActor, domain: str) -> None:
    """Lets go of a hub's keys, and of what was seen of its ledger: both are taken anew, as at introduction.

    A peer that is frozen stays so until it is allowed again. For hub admins.
    """
    await door.limit(Action.HUB_UNPIN, str(actor.owner), PER_MINUTE)
    fields = read(WhichHub, {"domain": domain.lower()})
    no = fields if isinstance(fields, Refused) else await hub_trust.unpin(door.hub, actor, fields)
    if no is not None:
        raise stop(no)


@router.get(_WITNESSES, responses=problems(*_RULED), openapi_extra=declared(Action.LEDGER_WITNESSES))
async def witnesses(door: TheDoor, actor: TheActor) -> WitnessesOut:
    """Who vouches for this hub's ledger, who doubts it, and for whose it vouches. For hub admins and auditors."""
    await door.limit(Action.LEDGER_WITNESSES, str(actor.owner), PER_MINUTE)
    found = await ledger_witnesses.run(door.hub, actor)
    if isinstance(found, Refused):
        raise stop(found)
    return WitnessesOut.of(found)
