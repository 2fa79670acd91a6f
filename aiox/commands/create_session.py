"""Signs a person in by e-mail and password. The door makes its token from the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from pydantic import Field, SecretStr

from aiox.commands.create_account import Email
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import MAX_LENGTH, Passwords
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from policy.ledger import Record
from registry import accounts, ledger

ACTION: Final = Action.SESSION_CREATE
OUTCOME: Final = "session.outcome"
RULE_PASSWORD: Final = "S0 password"  # noqa: S105 -- the name of a rule
NOBODY: Final = Actor(HUB_OWNER, BareJid(""))
"""Who asks before the hub knows who it is."""


class CreateSession(Fields):
    """What a person signs in with."""

    email: Email
    password: SecretStr = Field(min_length=1, max_length=MAX_LENGTH)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """The account that the password belongs to."""

    owner: OwnerId
    jid: BareJid


async def run(hub: Hub, actor: Actor, fields: CreateSession, passwords: Passwords) -> SignedIn | Refused:
    """Checks the password. An unknown address costs the same time and gets the same words as a wrong password."""
    no = await refused(hub, actor, ACTION, None)
    if no is not None:
        return no
    login = await accounts.find_login(hub.pool, fields.email)
    stored = login.password_hash if login is not None else None
    fits = await passwords.matches(stored, fields.password.get_secret_value())
    await ledger.append(hub.pool, [_outcome(hub, login, fits)])
    if login is None or not fits:
        return Refused(ErrorCode.UNAUTHENTICATED, "E-mail address or password is wrong.", (RULE_PASSWORD,))
    return SignedIn(login.owner, login.jid)


def _outcome(hub: Hub, login: accounts.Login | None, fits: bool) -> Record:
    return Record(
        id=uuid4(),
        owner=login.owner if login is not None else HUB_OWNER,
        event_type=OUTCOME,
        severity="info" if fits else "warning",
        details={"outcome": "opened" if fits else "refused"},
        created_at=hub.clock.now(),
        actor=login.jid if login is not None else "",
    )
