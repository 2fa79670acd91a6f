"""Signs a person in: password, second factor where there is one, then a session with its first refresh token."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal
from uuid import UUID, uuid4

from pydantic import Field, SecretStr, StringConstraints

from aiox.commands import second_factor
from aiox.commands.account_password import mend_password
from aiox.commands.create_account import Email
from aiox.commands.end_sessions import end_on_xmpp
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import MAX_LENGTH
from aiox.commands.people import People
from aiox.commands.recording import NOBODY, happened
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import opaque
from registry import accounts, sessions
from registry.sessions import NewSession

__all__ = ["ACTION", "NOBODY", "CreateSession", "SignedIn", "Whence", "run"]

ACTION: Final = Action.SESSION_CREATE
OUTCOME: Final = "session.outcome"
RULE_PASSWORD: Final = "S0 password"  # noqa: S105 -- the name of a rule
RULE_CONFIRMED: Final = "S1 confirmed"
WRONG: Final = Refused(ErrorCode.UNAUTHENTICATED, "E-mail address or password is wrong.", (RULE_PASSWORD,))
UNCONFIRMED: Final = Refused(ErrorCode.EMAIL_UNCONFIRMED, SENTENCES[ErrorCode.EMAIL_UNCONFIRMED], (RULE_CONFIRMED,))
Code = Annotated[str, StringConstraints(strip_whitespace=True, max_length=40, pattern=r"^[A-Za-z0-9 -]*$")]


class CreateSession(Fields):
    """What a person signs in with. `code` is of the second factor, or a recovery code; empty where there is none.

    `keep` says where the refresh token goes: into the answer, for scripts, or into a cookie, for the web pages.
    """

    email: Email
    password: SecretStr = Field(min_length=1, max_length=MAX_LENGTH)
    code: Code = ""
    keep: Literal["body", "cookie"] = "body"


@dataclass(frozen=True, slots=True)
class Whence:
    """Where a sign-in comes from, for the person to recognise it in the list: program and network address."""

    client: str
    address: str


@dataclass(frozen=True, slots=True)
class SignedIn:
    """An open session. `refresh_token` is told once, here."""

    owner: OwnerId
    jid: BareJid
    session: UUID
    refresh_token: str


async def run(hub: Hub, actor: Actor, fields: CreateSession, whence: Whence, people: People) -> SignedIn | Refused:
    """Signs in. An unknown address costs the same time and gets the same words as a wrong password.

    UNAUTHENTICATED; and with the right password only: EMAIL_UNCONFIRMED, SECOND_FACTOR_REQUIRED. Raises
    XmppServerTrouble when something is left to be mended on the XMPP server and cannot be now.
    """
    no = await refused(hub, actor, ACTION, None)
    if no is not None:
        return no
    login = await accounts.find_login(hub.pool, fields.email)
    password = fields.password.get_secret_value()
    fits = await people.passwords.matches(login.password_hash if login is not None else None, password)
    if login is None or not fits:
        await happened(hub, NOBODY, OUTCOME, "warning", about=login.owner if login else None, outcome="refused",
                       reason="password")  # fmt: skip
        return WRONG
    person = Actor(login.owner, login.jid)
    standing = await accounts.load_standing(hub.pool, login.owner)
    no = None if standing.confirmed else UNCONFIRMED
    no = no or await second_factor.passed(hub, person, fields.code)
    if no is not None:
        await happened(hub, person, OUTCOME, "warning", outcome="refused", reason=str(no.code))
        return no
    await end_on_xmpp(hub, login.owner, people)  # what an earlier sign-out left over while the server was away
    if not standing.in_step:
        await mend_password(hub, person, login.password_hash, password, people)
    return await _open(hub, person, whence, people)


async def _open(hub: Hub, person: Actor, whence: Whence, people: People) -> SignedIn:
    token = opaque.new(person.owner)
    new = NewSession(
        id=uuid4(),
        owner=person.owner,
        client=whence.client,
        address=whence.address,
        digest=token.digest,
        now=hub.clock.now(),
        idle=people.rules.session_idle,
        longest=people.rules.session_longest,
    )
    await sessions.open_session(hub.pool, new)
    await happened(hub, person, OUTCOME, outcome="opened", session=str(new.id))
    return SignedIn(person.owner, person.jid, new.id, token.text)
