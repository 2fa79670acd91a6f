"""Creates an account: first its XMPP account, then the hub's own record of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Protocol
from uuid import uuid4

from pydantic import StringConstraints

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import NewPassword, Passwords
from aiox.commands.refusal import refused
from aiox.kernel.account import HUBS_OWN_NAMES, QuotaConfig
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime.xmpp_server import XmppAccountTaken
from registry import accounts

ACTION: Final = Action.ACCOUNT_CREATE
RULE_TAKEN: Final = "A0 taken"

Email = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, to_lower=True, max_length=254, pattern=r"^[^@\s\x00-\x1f]+@[^@\s\x00-\x1f]+$"
    ),
]
"""An e-mail address, compared in lower case."""
AccountName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,62}$")]
"""What stands before the `@` of the JID."""


class XmppAccounts(Protocol):
    """The XMPP server's accounts."""

    async def ensure(self, jid: BareJid, password: str) -> None:
        """Creates the account, or finds it there with this very password. Raises XmppAccountTaken."""
        ...


class CreateAccount(Fields):
    """A new account. Its JID will be `<name>@<domain of the hub>`."""

    email: Email
    password: NewPassword
    name: AccountName
    quota: QuotaConfig = QuotaConfig()


@dataclass(frozen=True, slots=True)
class AccountCreated:
    """The account is there, in both places."""

    owner: OwnerId
    jid: BareJid


async def run(
    hub: Hub, actor: Actor, fields: CreateAccount, xmpp: XmppAccounts, passwords: Passwords
) -> AccountCreated | Refused:
    """Creates the account. A run that broke off between server and hub is mended by the same run again.

    CONFLICT when the e-mail address or the name is taken.
    """
    no = await refused(hub, actor, ACTION, None)
    if no is not None:
        return no
    taken = Refused(ErrorCode.CONFLICT, SENTENCES[ErrorCode.CONFLICT], (RULE_TAKEN,))
    if fields.name in HUBS_OWN_NAMES or await accounts.find_login(hub.pool, fields.email) is not None:
        return taken
    jid = BareJid(f"{fields.name}@{hub.domain}")
    password = fields.password.get_secret_value()
    account = accounts.NewAccount(
        owner=OwnerId(uuid4()),
        email=fields.email,
        jid=jid,
        password_hash=await passwords.hash(password),
        quota=fields.quota,
        created_at=hub.clock.now(),
        confirmed_at=hub.clock.now(),  # the operator vouches for the address
    )
    try:
        await xmpp.ensure(jid, password)
        await accounts.create(hub.pool, hub.keys, account)
    except (XmppAccountTaken, accounts.AccountExists):
        return taken
    return AccountCreated(account.owner, jid)
