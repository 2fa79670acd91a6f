"""Organisations: founding, members and their roles, invitations."""

from __future__ import annotations

from typing import Final, TypeVar
from uuid import UUID

from fastapi import APIRouter, Response

from aiox.commands import organisations
from aiox.commands.create_account import Email
from aiox.commands.fields import Fields
from aiox.commands.organisations import (
    Accept,
    Found,
    Invite,
    PutRole,
    Rename,
    WhichInvitation,
    WhichMember,
    WhichOrganisation,
)
from aiox.kernel.account import OrgRole
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.routes.letterboxes import admit_invitation, limited
from gateway.schemas.accounts import (
    InvitationList,
    InvitationOut,
    MemberOut,
    MembershipOut,
    OrganisationDetail,
    OrganisationList,
    OrganisationOut,
)
from gateway.schemas.common import problems

router = APIRouter(tags=["organisations"])

PREFIX: Final = "/v1/organisations"
PER_MINUTE: Final = 100
"""Requests per action and account."""
_BODY: Final = (ErrorCode.BODY_TOO_LARGE, ErrorCode.UNSUPPORTED_MEDIA_TYPE, ErrorCode.BODY_INVALID)
_ONE: Final = (ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND)
_RULED: Final = (*_ONE, ErrorCode.ACCESS_DENIED)

Answer = TypeVar("Answer")


class RoleBody(Fields):
    """The role that a member shall have."""

    role: OrgRole


class InvitationBody(Fields):
    """Who is asked in, and as what."""

    email: Email
    role: OrgRole = OrgRole.MEMBER


@router.post(
    PREFIX,
    status_code=201,
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.CONFLICT, *_BODY),
    openapi_extra=declared(Action.ORGANISATION_CREATE),
)
async def found(door: TheDoor, actor: TheActor, fields: Found, response: Response) -> OrganisationOut:
    """Founds an organisation; who asks is its owner."""
    await door.limit(Action.ORGANISATION_CREATE, str(actor.owner), PER_MINUTE)
    made = _or_stop(await organisations.found(door.hub, actor, fields))
    response.headers["Location"] = f"{PREFIX}/{made.id}"
    return OrganisationOut.model_validate(made)


@router.get(PREFIX, responses=problems(ErrorCode.UNAUTHENTICATED), openapi_extra=declared(Action.ORGANISATION_LIST))
async def list_mine(door: TheDoor, actor: TheActor) -> OrganisationList:
    """The organisations that who asks is a member of."""
    await door.limit(Action.ORGANISATION_LIST, str(actor.owner), PER_MINUTE)
    mine = _or_stop(await organisations.list_mine(door.hub, actor))
    return OrganisationList(items=[OrganisationOut.model_validate(one) for one in mine])


@router.get(PREFIX + "/{organisation_id}", responses=problems(*_ONE), openapi_extra=declared(Action.ORGANISATION_READ))
async def read(door: TheDoor, actor: TheActor, organisation_id: UUID) -> OrganisationDetail:
    """One organisation and its members."""
    await door.limit(Action.ORGANISATION_READ, str(actor.owner), PER_MINUTE)
    which = WhichOrganisation(organisation_id=organisation_id)
    shown = _or_stop(await organisations.show(door.hub, actor, which))
    return OrganisationDetail(
        id=shown.organisation.id,
        name=shown.organisation.name,
        role=shown.organisation.role,
        created_at=shown.organisation.created_at,
        members=[MemberOut.model_validate(member) for member in shown.members],
    )


@router.put(
    PREFIX + "/{organisation_id}",
    status_code=204,
    response_class=Response,
    responses=problems(*_RULED, *_BODY),
    openapi_extra=declared(Action.ORGANISATION_RENAME),
)
async def rename(door: TheDoor, actor: TheActor, organisation_id: UUID, fields: Found) -> None:
    """Another name. For owners and admins."""
    await door.limit(Action.ORGANISATION_RENAME, str(actor.owner), PER_MINUTE)
    asked = Rename(organisation_id=organisation_id, name=fields.name)
    _done(await organisations.rename(door.hub, actor, asked))


@router.put(
    PREFIX + "/{organisation_id}/members/{user_id}",
    status_code=204,
    response_class=Response,
    responses=problems(*_RULED, ErrorCode.CONFLICT, *_BODY),
    openapi_extra=declared(Action.MEMBER_PUT),
)
async def put_role(door: TheDoor, actor: TheActor, organisation_id: UUID, user_id: UUID, fields: RoleBody) -> None:
    """Another role for a member. Only an owner makes or changes an owner."""
    await door.limit(Action.MEMBER_PUT, str(actor.owner), PER_MINUTE)
    asked = PutRole(organisation_id=organisation_id, user_id=OwnerId(user_id), role=fields.role)
    _done(await organisations.put_role(door.hub, actor, asked))


@router.delete(
    PREFIX + "/{organisation_id}/members/{user_id}",
    status_code=204,
    response_class=Response,
    responses=problems(*_RULED, ErrorCode.CONFLICT),
    openapi_extra=declared(Action.MEMBER_REMOVE),
)
async def remove(door: TheDoor, actor: TheActor, organisation_id: UUID, user_id: UUID) -> None:
    """Takes a member out. Anyone may leave but the last owner."""
    await door.limit(Action.MEMBER_REMOVE, str(actor.owner), PER_MINUTE)
    asked = WhichMember(organisation_id=organisation_id, user_id=OwnerId(user_id))
    _done(await organisations.remove(door.hub, actor, asked))


@router.post(
    PREFIX + "/{organisation_id}/invitations",
    status_code=201,
    responses=problems(*_RULED, *_BODY),
    openapi_extra=declared(Action.INVITATION_CREATE),
)
async def invite(door: TheDoor, actor: TheActor, organisation_id: UUID, fields: InvitationBody) -> InvitationOut:
    """Sends an invitation by mail, good for a week, for this address only."""
    await door.limit(Action.INVITATION_CREATE, str(actor.owner), PER_MINUTE)
    await admit_invitation(door, actor.owner)
    asked = Invite(organisation_id=organisation_id, email=fields.email, role=fields.role)
    return InvitationOut.model_validate(_or_stop(await organisations.invite(door.hub, actor, asked, limited(door))))


@router.get(
    PREFIX + "/{organisation_id}/invitations",
    responses=problems(*_RULED),
    openapi_extra=declared(Action.INVITATION_LIST),
)
async def list_invitations(door: TheDoor, actor: TheActor, organisation_id: UUID) -> InvitationList:
    """Invitations that can still be accepted. For owners and admins."""
    await door.limit(Action.INVITATION_LIST, str(actor.owner), PER_MINUTE)
    which = WhichOrganisation(organisation_id=organisation_id)
    found = _or_stop(await organisations.list_invitations(door.hub, actor, which))
    return InvitationList(items=[InvitationOut.model_validate(one) for one in found])


@router.delete(
    PREFIX + "/{organisation_id}/invitations/{invitation_id}",
    status_code=204,
    response_class=Response,
    responses=problems(*_RULED),
    openapi_extra=declared(Action.INVITATION_WITHDRAW),
)
async def withdraw(door: TheDoor, actor: TheActor, organisation_id: UUID, invitation_id: UUID) -> None:
    """Takes an invitation back."""
    await door.limit(Action.INVITATION_WITHDRAW, str(actor.owner), PER_MINUTE)
    asked = WhichInvitation(organisation_id=organisation_id, invitation_id=invitation_id)
    _done(await organisations.withdraw(door.hub, actor, asked))


@router.post(
    "/v1/invitations/acceptances",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.LINK_INVALID, ErrorCode.CONFLICT, *_BODY),
    openapi_extra=declared(Action.INVITATION_ACCEPT),
)
async def accept(door: TheDoor, actor: TheActor, fields: Accept) -> MembershipOut:
    """Joins the organisation that the link's token is for."""
    await door.limit(Action.INVITATION_ACCEPT, str(actor.owner), PER_MINUTE)
    joined = _or_stop(await organisations.accept(door.hub, actor, fields))
    return MembershipOut(organisation_id=joined.organisation, role=joined.role)


def _or_stop(result: Answer | Refused) -> Answer:
    if isinstance(result, Refused):
        raise stop(result)
    return result


def _done(refused: Refused | None) -> None:
    _or_stop(refused)
