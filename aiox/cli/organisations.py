"""`aiox organisation ...`: what members do over HTTP, from the operator's shell, in the name of one account."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from aiox.cli.agents import done
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.users import open_desk
from aiox.commands import organisations
from aiox.commands.fields import Fields, read
from aiox.commands.hub import Actor, Hub
from aiox.commands.people import People
from aiox.kernel.outcome import Refused
from aiox.runtime.settings import Settings
from registry import accounts

Form = TypeVar("Form", bound=Fields)


@dataclass(frozen=True, slots=True)
class Desk:
    """The hub's commands in the name of one account; the ledger says that the operator did it."""

    hub: Hub
    actor: Actor
    people: People


async def list_mine(settings: Settings, owner: str) -> str:
    """Where the account is a member. Raises CannotGoOn."""
    async with open_desk_of(settings, owner) as desk:
        found = done(await organisations.list_mine(desk.hub, desk.actor))
    lines = [f"{one.id}  {one.name}  {one.role}" for one in found]
    return "\n".join(lines) or f"{owner} is in no organisation. Mend: aiox organisation create"


async def create(settings: Settings, owner: str, name: str) -> str:
    """Founds one. Raises CannotGoOn."""
    async with open_desk_of(settings, owner) as desk:
        made = done(await organisations.found(desk.hub, desk.actor, _fields(organisations.Found, name=name)))
    return f"{made.id}  {made.name}  {made.role}"


async def show(settings: Settings, owner: str, organisation: str) -> str:
    """One with its members. Raises CannotGoOn."""
    fields = _fields(organisations.WhichOrganisation, organisation_id=organisation)
    async with open_desk_of(settings, owner) as desk:
        found = done(await organisations.show(desk.hub, desk.actor, fields))
    members = [f"  {one.user_id}  {one.jid}  {one.role}" for one in found.members]
    return "\n".join([f"{found.organisation.name}", *members])


async def rename(settings: Settings, owner: str, organisation: str, name: str) -> str:
    """Another name. Raises CannotGoOn."""
    fields = _fields(organisations.Rename, organisation_id=organisation, name=name)
    async with open_desk_of(settings, owner) as desk:
        _or_stop(await organisations.rename(desk.hub, desk.actor, fields))
    return f"{fields.organisation_id} is called {fields.name}."


async def put_role(settings: Settings, owner: str, organisation: str, member: str, role: str) -> str:
    """Gives a member another role. Raises CannotGoOn."""
    async with open_desk_of(settings, owner) as desk:
        whom = await _account(desk.hub, member)
        fields = _fields(organisations.PutRole, organisation_id=organisation, user_id=whom, role=role)
        _or_stop(await organisations.put_role(desk.hub, desk.actor, fields))
    return f"{member} is {fields.role} now."


async def remove(settings: Settings, owner: str, organisation: str, member: str) -> str:
    """Takes a member out. Raises CannotGoOn."""
    async with open_desk_of(settings, owner) as desk:
        whom = await _account(desk.hub, member)
        fields = _fields(organisations.WhichMember, organisation_id=organisation, user_id=whom)
        _or_stop(await organisations.remove(desk.hub, desk.actor, fields))
    return f"{member} is no member any more."


async def invite(settings: Settings, owner: str, organisation: str, email: str, role: str) -> str:
    """Sends an invitation by mail. Raises CannotGoOn, MailTrouble."""
    fields = _fields(organisations.Invite, organisation_id=organisation, email=email, role=role)
    async with open_desk_of(settings, owner) as desk:
        sent = done(await organisations.invite(desk.hub, desk.actor, fields, desk.people))
    return f"{sent.id}  {sent.email}  {sent.role}  until {sent.expires_at:%Y-%m-%d %H:%M}"


async def invitations(settings: Settings, owner: str, organisation: str) -> str:
    """Those that can still be accepted. Raises CannotGoOn."""
    fields = _fields(organisations.WhichOrganisation, organisation_id=organisation)
    async with open_desk_of(settings, owner) as desk:
        found = done(await organisations.list_invitations(desk.hub, desk.actor, fields))
    lines = [f"{one.id}  {one.email}  {one.role}  until {one.expires_at:%Y-%m-%d %H:%M}" for one in found]
    return "\n".join(lines) or "No invitation is open."


async def withdraw(settings: Settings, owner: str, organisation: str, invitation: str) -> str:
    """Takes an invitation back. Raises CannotGoOn."""
    fields = _fields(organisations.WhichInvitation, organisation_id=organisation, invitation_id=invitation)
    async with open_desk_of(settings, owner) as desk:
        _or_stop(await organisations.withdraw(desk.hub, desk.actor, fields))
    return f"{fields.invitation_id} cannot be accepted any more."


@asynccontextmanager
async def open_desk_of(settings: Settings, owner: str) -> AsyncIterator[Desk]:
    """The commands in the name of an account, by its e-mail address or JID. Raises CannotGoOn when there is none."""
    async with open_desk(settings) as here:
        account = await _account(here.hub, owner)
        yield Desk(here.hub, replace(here.actor, owner=account), here.people)


async def _account(hub: Hub, named: str) -> Any:
    """The id of the account of that e-mail address or JID. Raises CannotGoOn."""
    wanted = named.lower()
    for one in await accounts.find_all(hub.pool):
        if wanted in (one.email, one.jid):
            return one.owner
    raise CannotGoOn(f"there is no account {named}. Mend: take one from 'aiox user list'")


def _fields(form: type[Form], **given: Any) -> Form:
    fields = read(form, given)
    if isinstance(fields, Refused):
        raise CannotGoOn(f"{fields.reason}. Mend: aiox organisation --help")
    return fields


def _or_stop(no: Refused | None) -> None:
    if no is not None:
        raise CannotGoOn(f"{no.reason} Mend: aiox organisation show")
