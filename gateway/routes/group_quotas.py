"""Budgets that many share: an organisation's own, and what the hub allows organisations and peers."""

from __future__ import annotations

from typing import Final, Literal
from uuid import UUID

from fastapi import APIRouter, Response

from aiox.commands import group_quotas
from aiox.commands.fields import read
from aiox.commands.group_quotas import Limits, PutGroupQuota, PutOrganisationQuota, WhichGroup
from aiox.commands.organisations import WhichOrganisation
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.quotas import GroupQuotaList, GroupQuotaOut, OrganisationQuotaOut
from registry.group_quotas import OrganisationQuota

router = APIRouter(tags=["quotas"])

PER_MINUTE: Final = 60
"""Requests per action and account."""
_OWN: Final = "/v1/organisations/{organisation_id}/quota"
_ALL: Final = "/v1/quotas"
_ONE: Final = _ALL + "/{kind}/{name}"
_BODY: Final = (ErrorCode.BODY_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.BODY_INVALID)
_RULED: Final = (ErrorCode.UNAUTHENTICATED, ErrorCode.ACCESS_DENIED)
Kind = Literal["organisation", "peer"]


@router.get(
    _OWN,
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(Action.ORGANISATION_QUOTA_READ),
)
async def show_own(door: TheDoor, actor: TheActor, organisation_id: UUID) -> OrganisationQuotaOut:
    """What an organisation may use and has used. For its members."""
    await door.limit(Action.ORGANISATION_QUOTA_READ, str(actor.owner), PER_MINUTE)
    which = WhichOrganisation(organisation_id=organisation_id)
    return _own(organisation_id, await group_quotas.show(door.hub, actor, which))


@router.put(
    _OWN,
    responses=problems(*_RULED, ErrorCode.NOT_FOUND, *_BODY),
    openapi_extra=declared(Action.ORGANISATION_QUOTA_PUT),
)
async def put_own(door: TheDoor, actor: TheActor, organisation_id: UUID, fields: Limits) -> OrganisationQuotaOut:
    """Sets what an organisation allows itself, whole; a limit that is left out is none. For its owners and admins."""
    await door.limit(Action.ORGANISATION_QUOTA_PUT, str(actor.owner), PER_MINUTE)
    asked = PutOrganisationQuota(organisation_id=organisation_id, **fields.model_dump())
    return _own(organisation_id, await group_quotas.put_own(door.hub, actor, asked))


@router.get(_ALL, responses=problems(*_RULED), openapi_extra=declared(Action.QUOTA_LIST))
async def list_all(door: TheDoor, actor: TheActor) -> GroupQuotaList:
    """What the hub allows organisations and peers. For its admins and auditors."""
    await door.limit(Action.QUOTA_LIST, str(actor.owner), PER_MINUTE)
    found = await group_quotas.list_all(door.hub, actor)
    if isinstance(found, Refused):
        raise stop(found)
    return GroupQuotaList(items=[GroupQuotaOut.model_validate(one) for one in found])


@router.put(_ONE, responses=problems(*_RULED, ErrorCode.NOT_FOUND, *_BODY), openapi_extra=declared(Action.QUOTA_PUT))
async def put(door: TheDoor, actor: TheActor, kind: Kind, name: str, fields: Limits) -> GroupQuotaOut:
    """Sets what the hub allows an organisation, a peer by its domain, or `default`. For hub admins."""
    await door.limit(Action.QUOTA_PUT, str(actor.owner), PER_MINUTE)
    asked = read(PutGroupQuota, {"kind": kind, "name": name, **fields.model_dump()})
    if isinstance(asked, Refused):
        raise stop(asked)
    made = await group_quotas.put(door.hub, actor, asked)
    if isinstance(made, Refused):
        raise stop(made)
    return GroupQuotaOut.model_validate(made)


@router.delete(
    _ONE,
    status_code=204,
    response_class=Response,
    responses=problems(*_RULED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID),
    openapi_extra=declared(Action.QUOTA_DELETE),
)
async def drop(door: TheDoor, actor: TheActor, kind: Kind, name: str) -> None:
    """Takes away what the hub has set by this name; what `default` says holds again. For hub admins."""
    await door.limit(Action.QUOTA_DELETE, str(actor.owner), PER_MINUTE)
    asked = read(WhichGroup, {"kind": kind, "name": name})
    if isinstance(asked, Refused):
        raise stop(asked)
    no = await group_quotas.drop(door.hub, actor, asked)
    if no is not None:
        raise stop(no)


def _own(organisation: UUID, found: OrganisationQuota | Refused) -> OrganisationQuotaOut:
    if isinstance(found, Refused):
        raise stop(found)
    return OrganisationQuotaOut.model_validate(
        {
            "organisation_id": organisation,
            "own": found.own,
            "hubs": found.hubs,
            "holding": found.holding,
            "used": found.used,
        }
    )
