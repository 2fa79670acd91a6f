"""Organisations: founding, members and their roles, invitations. Strangers learn nothing: theirs look unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID, uuid4

from pydantic import SecretStr, StringConstraints

from aiox.commands import gate
from aiox.commands.account_password import LINK_INVALID
from aiox.commands.create_account import Email
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.letters import invitation_letter
from aiox.commands.people import People
from aiox.commands.recording import happened
from aiox.commands.refusal import refusal_of, refused
from aiox.kernel.account import OrgRole
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.outcome import Refused
from aiox.runtime import opaque
from policy.access import Relation
from registry import organisations
from registry.organisations import Invitation, Joined, LastOwner, Member, NewInvitation, Organisation

NOT_HERE: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ("O0 unknown",))
NOT_YOURS: Final = Refused(ErrorCode.ACCESS_DENIED, "Your role in this organisation does not allow this.", ("O1 role",))
LAST_OWNER: Final = Refused(ErrorCode.CONFLICT, "An organisation keeps at least one owner.", ("O2 last-owner",))
MOST: Final = 32
"""Organisations that one account is a member of: the budget of each is counted with every message to its agents."""
ENOUGH: Final = Refused(
    ErrorCode.CONFLICT, f"An account is a member of {MOST} organisations at most. Leave one first.", ("O3 enough",)
)

Name = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100, pattern=r"^[^\x00-\x1f]+$")
]


class Found(Fields):
    """A new organisation, or another name for one."""

    name: Name


class WhichOrganisation(Fields):
    """One of them."""

    organisation_id: UUID


class Rename(WhichOrganisation):
    """Another name."""

    name: Name


class WhichMember(WhichOrganisation):
    """Somebody in it."""

    user_id: OwnerId


class PutRole(WhichMember):
    """Another role."""

    role: OrgRole


class Invite(WhichOrganisation):
    """An address, and what its person shall be."""

    email: Email
    role: OrgRole = OrgRole.MEMBER


class WhichInvitation(WhichOrganisation):
    """One that was sent."""

    invitation_id: UUID


class Accept(Fields):
    """The token of the link."""

    token: SecretStr


@dataclass(frozen=True, slots=True)
class Shown:
    """An organisation and everybody in it."""

    organisation: Organisation
    members: Sequence[Member]


async def found(hub: Hub, actor: Actor, fields: Found) -> Organisation | Refused:
    """A new organisation, of which the actor is owner. CONFLICT for a member of MOST."""
    no = await refused(hub, actor, Action.ORGANISATION_CREATE, actor.owner)
    if no is not None:
        return no
    if await _has_enough(hub, actor):
        return ENOUGH
    new = Organisation(uuid4(), fields.name, OrgRole.OWNER, hub.clock.now())
    await organisations.found(hub.pool, actor.owner, new.id, new.name, new.created_at)
    await happened(hub, actor, "organisation.founded", organisation=new.id)
    return new


async def list_mine(hub: Hub, actor: Actor) -> Sequence[Organisation] | Refused:
    """Where the actor is a member."""
    no = await refused(hub, actor, Action.ORGANISATION_LIST, actor.owner)
    return no or await organisations.list_of(hub.pool, actor.owner)


async def show(hub: Hub, actor: Actor, fields: WhichOrganisation) -> Shown | Refused:
    """One with its members. NOT_FOUND for unknown and foreign ones alike."""
    role = await role_of(hub, actor, Action.ORGANISATION_READ, fields.organisation_id)
    if isinstance(role, Refused):
        return role
    mine = await organisations.list_of(hub.pool, actor.owner)
    one = next((one for one in mine if one.id == fields.organisation_id), None)
    if one is None:  # left since the gate looked
        return NOT_HERE
    return Shown(one, await organisations.list_members(hub.pool, actor.owner, one.id))


async def rename(hub: Hub, actor: Actor, fields: Rename) -> Refused | None:
    """Another name. NOT_FOUND, ACCESS_DENIED."""
    role = await role_of(hub, actor, Action.ORGANISATION_RENAME, fields.organisation_id)
    if isinstance(role, Refused):
        return role
    await organisations.rename(hub.pool, actor.owner, fields.organisation_id, fields.name)
    await happened(hub, actor, "organisation.renamed", organisation=fields.organisation_id)
    return None


async def put_role(hub: Hub, actor: Actor, fields: PutRole) -> Refused | None:
    """Gives a member another role. Only an owner makes or changes an owner. NOT_FOUND, ACCESS_DENIED, CONFLICT."""
    role = await role_of(hub, actor, Action.MEMBER_PUT, fields.organisation_id)
    if isinstance(role, Refused):
        return role
    before = await _role_of(hub, actor, fields.organisation_id, fields.user_id)
    if before is None:
        return NOT_HERE
    if role is not OrgRole.OWNER and OrgRole.OWNER in (before, fields.role):
        return NOT_YOURS
    try:
        changed = await organisations.set_role(
            hub.pool, actor.owner, fields.organisation_id, fields.user_id, fields.role
        )
    except LastOwner:
        return LAST_OWNER
    if not changed:
        return NOT_YOURS
    await happened(hub, actor, "member.role", about=fields.user_id, organisation=fields.organisation_id,
                   before=str(before), role=str(fields.role))  # fmt: skip
    return None


async def remove(hub: Hub, actor: Actor, fields: WhichMember) -> Refused | None:
    """Takes a member out; anyone may leave. NOT_FOUND, ACCESS_DENIED, CONFLICT for the last owner."""
    role = await role_of(hub, actor, Action.MEMBER_REMOVE, fields.organisation_id)
    if isinstance(role, Refused):
        return role
    before = await _role_of(hub, actor, fields.organisation_id, fields.user_id)
    if before is None:
        return NOT_HERE
    rules = role is OrgRole.OWNER or (role is OrgRole.ADMIN and before is not OrgRole.OWNER)
    if not rules and fields.user_id != actor.owner:
        return NOT_YOURS
    try:
        await organisations.remove(hub.pool, actor.owner, fields.organisation_id, fields.user_id)
    except LastOwner:
        return LAST_OWNER
    await happened(hub, actor, "member.removed", about=fields.user_id, organisation=fields.organisation_id)
    return None


async def invite(hub: Hub, actor: Actor, fields: Invite, people: People) -> Invitation | Refused:
    """Sends an invitation in place of an older one to the same address. NOT_FOUND, ACCESS_DENIED."""
    role = await role_of(hub, actor, Action.INVITATION_CREATE, fields.organisation_id)
    if isinstance(role, Refused):
        return role
    if role is not OrgRole.OWNER and fields.role is OrgRole.OWNER:
        return NOT_YOURS
    token, now = opaque.new(fields.organisation_id), hub.clock.now()
    new = NewInvitation(uuid4(), fields.organisation_id, fields.email, fields.role, token.digest, now)
    if not await organisations.invite(hub.pool, actor.owner, new):
        return NOT_YOURS
    mine = await organisations.list_of(hub.pool, actor.owner)
    name = next((one.name for one in mine if one.id == fields.organisation_id), "")
    await people.send(invitation_letter(fields.email, people.rules.public_url, token.text, name, actor.jid))
    await happened(hub, actor, "invitation.sent", organisation=fields.organisation_id, role=str(fields.role))
    return Invitation(new.id, new.email, new.role, now, now + organisations.INVITATION)


async def list_invitations(hub: Hub, actor: Actor, fields: WhichOrganisation) -> Sequence[Invitation] | Refused:
    """Those that can still be accepted. NOT_FOUND, ACCESS_DENIED."""
    role = await role_of(hub, actor, Action.INVITATION_LIST, fields.organisation_id)
    if isinstance(role, Refused):
        return role
    return await organisations.list_invitations(hub.pool, actor.owner, fields.organisation_id, hub.clock.now())


async def withdraw(hub: Hub, actor: Actor, fields: WhichInvitation) -> Refused | None:
    """Takes an invitation back. NOT_FOUND, ACCESS_DENIED."""
    role = await role_of(hub, actor, Action.INVITATION_WITHDRAW, fields.organisation_id)
    if isinstance(role, Refused):
        return role
    if not await organisations.withdraw(hub.pool, actor.owner, fields.organisation_id, fields.invitation_id):
        return NOT_HERE
    await happened(hub, actor, "invitation.withdrawn", organisation=fields.organisation_id)
    return None


async def accept(hub: Hub, actor: Actor, fields: Accept) -> Joined | Refused:
    """Joins. CONFLICT for a member of MOST; LINK_INVALID for a token that is unknown, used, too old, or for another
    address than the actor's.
    """
    no = await refused(hub, actor, Action.INVITATION_ACCEPT, actor.owner)
    shown = opaque.read(fields.token.get_secret_value())
    if no is not None or shown is None:
        return no or LINK_INVALID
    if await _has_enough(hub, actor):
        return ENOUGH
    joined = await organisations.accept(hub.pool, actor.owner, shown.digest, hub.clock.now())
    if joined is None:
        return LINK_INVALID
    await happened(hub, actor, "member.joined", organisation=joined.organisation, role=str(joined.role))
    return joined


async def role_of(hub: Hub, actor: Actor, action: Action, organisation: UUID) -> OrgRole | Refused:
    """Passes the gate: the actor's role when it may; NOT_FOUND for who is no member, ACCESS_DENIED for a member who may
    not.
    """
    role = await organisations.role_in(hub.pool, actor.owner, organisation)
    relation = Relation.NONE if role is None else Relation(f"org_{role}")
    no = refusal_of(
        await gate.authorise_related(hub, actor, action, relation, actor.owner, organisation if role else None)
    )
    if role is None:
        return NOT_HERE
    if no is not None:
        return NOT_YOURS if no.code is ErrorCode.ACCESS_DENIED else no
    return role


async def _has_enough(hub: Hub, actor: Actor) -> bool:
    return len(await organisations.list_of(hub.pool, actor.owner)) >= MOST


async def _role_of(hub: Hub, actor: Actor, organisation: UUID, user: OwnerId) -> OrgRole | None:
    members = await organisations.list_members(hub.pool, actor.owner, organisation)
    return next((member.role for member in members if member.user_id == user), None)
