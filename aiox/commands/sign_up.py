"""Signing up: open to anyone, to the invited, or closed; and confirming the e-mail address.

Until the address is confirmed the XMPP account is only reserved, under a password that nobody has; the first sign-in
gives it the person's own. Confirming asks for the password as well: who signed up with somebody else's address gains
nothing when that person follows the link.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final, Literal
from uuid import uuid4

from pydantic import Field, SecretStr

from aiox.commands.account_password import LINK_INVALID
from aiox.commands.create_account import AccountName, Email
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.letters import confirm_letter, known_letter
from aiox.commands.passwords import MAX_LENGTH, NewPassword
from aiox.commands.people import People
from aiox.commands.recording import happened
from aiox.commands.refusal import refused
from aiox.commands.second_factor import PASSWORD_WRONG
from aiox.kernel.account import NAMES_OF_OFFICE, QuotaConfig
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import opaque
from aiox.runtime.postgres import owner_scope
from aiox.runtime.xmpp_server import XmppAccountTaken
from registry import accounts, mail_tokens, organisations
from registry.accounts import AccountExists, NewAccount
from registry.mail_tokens import Purpose

CLOSED: Final = Refused(ErrorCode.ACCESS_DENIED, "Sign-up is closed on this hub. Ask its operator.", ("A3 closed",))
TAKEN: Final = Refused(ErrorCode.CONFLICT, "This name is taken. Choose another.", ("A0 taken",))
Outcome = Literal["confirm", "created"]
"""What follows: a letter to the address, or nothing more."""


class SignUp(Fields):
    """A new account. `invitation` is the token of an invitation to this very address; needed where only they may."""

    email: Email
    password: NewPassword
    name: AccountName
    invitation: SecretStr = SecretStr("")


class ConfirmEmail(Fields):
    """The token of the link, and the password that was chosen at sign-up."""

    token: SecretStr
    password: SecretStr = Field(min_length=1, max_length=MAX_LENGTH)


async def run(hub: Hub, actor: Actor, fields: SignUp, people: People) -> Outcome | Refused:
    """Makes an account. An address that has one gets the same answer, and a letter that says so.

    ACCESS_DENIED where sign-up is closed, LINK_INVALID for a bad invitation, CONFLICT when the name is taken. Raises
    XmppServerTrouble, MailTrouble.
    """
    no = await refused(hub, actor, Action.ACCOUNT_SIGN_UP, None)
    if no is not None:
        return no
    if people.rules.sign_up == "closed":
        return CLOSED
    if fields.name in NAMES_OF_OFFICE:
        return TAKEN
    invited = await _invited(hub, fields)
    if not invited and (people.rules.sign_up == "invite" or fields.invitation.get_secret_value()):
        return LINK_INVALID
    hashed = await people.passwords.hash(fields.password.get_secret_value())
    known = await accounts.find_all(hub.pool, fields.email)
    if known:
        return await _again(hub, fields, known[0].owner, hashed, people, invited=invited)
    return await _new(hub, fields, hashed, people, invited=invited)


async def confirm(hub: Hub, actor: Actor, fields: ConfirmEmail, people: People) -> Refused | None:
    """Confirms the address. LINK_INVALID, PASSWORD_WRONG."""
    no = await refused(hub, actor, Action.ACCOUNT_CONFIRM, None)
    shown = opaque.read(fields.token.get_secret_value())
    if no is not None or shown is None:
        return no or LINK_INVALID
    owner, now = OwnerId(shown.owner), hub.clock.now()
    async with owner_scope(hub.pool, owner) as connection:
        if not await mail_tokens.is_good(connection, owner, Purpose.CONFIRM, shown.digest, now):
            return LINK_INVALID
    stored = await accounts.load_password(hub.pool, owner)
    if not await people.passwords.matches(stored, fields.password.get_secret_value()):
        return PASSWORD_WRONG
    async with owner_scope(hub.pool, owner) as connection:
        if not await mail_tokens.spend(connection, owner, Purpose.CONFIRM, shown.digest, now):
            return LINK_INVALID
        await accounts.confirm(connection, owner, now)
    await happened(hub, actor, "account.confirmed", about=owner)
    return None


async def _invited(hub: Hub, fields: SignUp) -> bool:
    shown = opaque.read(fields.invitation.get_secret_value())
    found = shown and await organisations.find_invitation(hub.pool, shown.digest, hub.clock.now())
    return bool(found) and found.email == fields.email if found else False


async def _again(
    hub: Hub, fields: SignUp, owner: OwnerId, hashed: str, people: People, *, invited: bool
) -> Outcome | Refused:
    """The address has an account. Until it is confirmed the newest password counts, and the newest link."""
    if invited:
        return Refused(ErrorCode.CONFLICT, "You have an account already. Sign in and accept there.", ("A0 taken",))
    if await accounts.replace_unconfirmed(hub.pool, owner, hashed):
        await _ask_to_confirm(hub, fields, owner, people)
    else:
        await people.send(known_letter(fields.email, people.rules.public_url))
    return "confirm"


async def _new(hub: Hub, fields: SignUp, hashed: str, people: People, *, invited: bool) -> Outcome | Refused:
    jid, now = BareJid(f"{fields.name}@{hub.domain}"), hub.clock.now()
    account = NewAccount(
        owner=OwnerId(uuid4()),
        email=fields.email,
        jid=jid,
        password_hash=hashed,
        quota=QuotaConfig(),
        created_at=now,
        confirmed_at=now if invited else None,
        in_step=False,
    )
    try:
        await people.xmpp.ensure(jid, _reserved_password(people.reserve, jid))
        await accounts.create(hub.pool, hub.keys, account)
    except XmppAccountTaken:
        return TAKEN
    except AccountExists as exists:
        return TAKEN if exists.name else "confirm"
    await happened(hub, Actor(account.owner, jid), "account.created", invited=invited)
    if not invited:
        await _ask_to_confirm(hub, fields, account.owner, people)
        return "confirm"
    token = opaque.read(fields.invitation.get_secret_value())
    if token is not None:
        await organisations.accept(hub.pool, account.owner, token.digest, now)
    return "created"


async def _ask_to_confirm(hub: Hub, fields: SignUp, owner: OwnerId, people: People) -> None:
    token = opaque.new(owner)
    await mail_tokens.add(hub.pool, owner, Purpose.CONFIRM, token.digest, hub.clock.now())
    await people.send(confirm_letter(fields.email, people.rules.public_url, token.text))


def _reserved_password(reserve: bytes, jid: BareJid) -> str:
    """The same for a name each time: a sign-up that broke off is found again, a stranger's account is not."""
    return hmac.new(reserve, jid.encode(), hashlib.sha256).hexdigest()
