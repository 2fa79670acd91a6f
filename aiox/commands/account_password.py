"""Passwords of accounts: changing, resetting by mail, and mending a change that broke off half-way.

The XMPP server gets a password first, then the hub. A mark stands from before the first to after the second; a sign-in
that finds it gives the server the hub's password again.
"""

from __future__ import annotations

from typing import Final

from pydantic import Field, SecretStr

from aiox.commands import end_sessions
from aiox.commands.create_account import Email
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.letters import reset_letter
from aiox.commands.passwords import MAX_LENGTH, NewPassword
from aiox.commands.people import People
from aiox.commands.recording import happened
from aiox.commands.refusal import refused
from aiox.commands.second_factor import password_refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import opaque
from aiox.runtime.postgres import owner_scope
from registry import accounts, mail_tokens
from registry.mail_tokens import Purpose
from registry.sessions import Ending

EVENT: Final = "account.password"
LINK_INVALID: Final = Refused(ErrorCode.LINK_INVALID, SENTENCES[ErrorCode.LINK_INVALID], ("A2 link",))


class ChangePassword(Fields):
    """The password there is, and the one there shall be."""

    current: SecretStr = Field(min_length=1, max_length=MAX_LENGTH)
    new: NewPassword


class BeginReset(Fields):
    """Whose password was forgotten."""

    email: Email


class CompleteReset(Fields):
    """The token of the link, and the new password."""

    token: SecretStr
    password: NewPassword


async def change(hub: Hub, actor: Actor, fields: ChangePassword, people: People) -> Refused | None:
    """Changes the actor's password, and signs out everywhere else. PASSWORD_WRONG. Raises XmppServerTrouble."""
    no = await refused(hub, actor, Action.PASSWORD_CHANGE, actor.owner)
    no = no or await password_refused(hub, actor, fields.current, people)
    if no is not None:
        return no
    await put(hub, actor, actor.owner, actor.jid, fields.new, people)
    await end_sessions.end(hub, actor, people, Ending.PASSWORD, but=actor.session)
    return None


async def begin_reset(hub: Hub, actor: Actor, fields: BeginReset, people: People) -> Refused | None:
    """Sends a link to the address, if it has an account; the answer is the same if not."""
    no = await refused(hub, actor, Action.PASSWORD_RESET_BEGIN, None)
    login = None if no is not None else await accounts.find_login(hub.pool, fields.email)
    if login is not None:
        token = opaque.new(login.owner)
        await mail_tokens.add(hub.pool, login.owner, Purpose.RESET, token.digest, hub.clock.now())
        await people.send(reset_letter(fields.email, people.rules.public_url, token.text))
        await happened(hub, actor, EVENT, about=login.owner, outcome="reset_asked")
    return no


async def complete_reset(hub: Hub, actor: Actor, fields: CompleteReset, people: People) -> Refused | None:
    """Sets the password and signs out everywhere. LINK_INVALID for a link that is unknown, used or too old.

    The link proves the address, so it is confirmed too. A second factor stays and is asked for at the next sign-in.
    """
    no = await refused(hub, actor, Action.PASSWORD_RESET_COMPLETE, None)
    shown = opaque.read(fields.token.get_secret_value())
    if no is not None or shown is None:
        return no or LINK_INVALID
    owner = OwnerId(shown.owner)
    async with owner_scope(hub.pool, owner) as connection:
        if not await mail_tokens.spend(connection, owner, Purpose.RESET, shown.digest, hub.clock.now()):
            return LINK_INVALID
        await accounts.confirm(connection, owner, hub.clock.now())
    account = await accounts.load(hub.pool, owner)
    if account is None or account.deactivated_at is not None:
        return LINK_INVALID
    person = Actor(owner, account.jid)
    await put(hub, person, owner, account.jid, fields.password, people)
    await end_sessions.end(hub, person, people, Ending.PASSWORD)
    return None


async def put(hub: Hub, actor: Actor, owner: OwnerId, jid: BareJid, password: SecretStr, people: People) -> None:
    """Gives an account a password, in both places; past the gate. Raises XmppServerTrouble: then the mark stands."""
    text = password.get_secret_value()
    hashed = await people.passwords.hash(text)
    async with owner_scope(hub.pool, owner) as connection:
        await accounts.password_begins_to_change(connection, owner)
    async with accounts.password_lock(hub.pool, owner) as (connection, _):
        await people.xmpp.set_password(jid, text)
        await accounts.password_is(connection, owner, hashed)
    await people.xmpp.end_sessions(jid)  # who knows the old password only is out
    await happened(hub, actor, EVENT, about=owner, outcome="changed")


async def mend_password(hub: Hub, person: Actor, stored: str, password: str, people: People) -> None:
    """A change broke off half-way, or this is the first sign-in: the server gets the hub's password, just proved."""
    async with accounts.password_lock(hub.pool, person.owner) as (connection, now_stored):
        if now_stored != stored:
            return  # changed meanwhile, in both places
        await people.xmpp.set_password(person.jid, password)
        await accounts.password_is(connection, person.owner, stored)
    await happened(hub, person, EVENT, outcome="mended")
