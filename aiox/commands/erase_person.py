"""The end of everything the hub holds about a person, but the ledger's ids (SPEC 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Protocol
from uuid import uuid4

from pydantic import Field, SecretStr

from aiox.commands.export_person import WhichPerson
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import MAX_LENGTH, Passwords
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from policy.ledger import Record
from registry import accounts, erasures, ledger
from registry.erasures import OrganisationNeedsOwner, Person

ERASED: Final = "person.erased"
RULE_PASSWORD: Final = "E0 password"  # noqa: S105 -- the name of a rule
NEEDED: Final = Refused(
    ErrorCode.CONFLICT,
    "An organisation has no other owner. Make a member its owner first, or let its members go.",
    ("E1 organisation",),
)


class Outside(Protocol):
    """What lies outside the hub's database."""

    async def remove(self, person: Person) -> None:
        """Takes away a person's XMPP account with its archive and roster, and mails to them. Again is a no-op.

        Raises aiox.runtime.xmpp_server.XmppServerTrouble, OSError.
        """
        ...


class EraseMe(Fields):
    """What a person proves that they mean it with."""

    password: SecretStr = Field(min_length=1, max_length=MAX_LENGTH)


@dataclass(frozen=True, slots=True)
class Erased:
    """It is gone. `rows` were deleted from the database."""

    rows: int


async def run(hub: Hub, actor: Actor, fields: EraseMe, passwords: Passwords, outside: Outside) -> Erased | Refused:
    """Erases the actor, who has to give their password. CONFLICT while an organisation depends on them alone."""
    no = await refused(hub, actor, Action.PERSON_ERASE, actor.owner)
    if no is not None:
        return no
    person = await erasures.find_person(hub.pool, actor.jid)
    login = await accounts.find_login(hub.pool, person.email)
    stored = login.password_hash if login is not None and login.owner == actor.owner else None
    if not await passwords.matches(stored, fields.password.get_secret_value()):
        return Refused(ErrorCode.ACCESS_DENIED, "The password is wrong. Nothing was erased.", (RULE_PASSWORD,))
    return await _erase(hub, actor, person, outside)


async def run_for(hub: Hub, operator: Actor, fields: WhichPerson, outside: Outside) -> Erased | Refused:
    """The same for the operator at the shell, for any account or guest. Another run ends one that broke off."""
    no = await refused(hub, operator, Action.PERSON_ERASE, operator.owner)
    if no is not None:
        return no
    person = await erasures.find_person(hub.pool, BareJid(fields.jid))
    return await _erase(hub, operator, person, outside)


async def _erase(hub: Hub, actor: Actor, person: Person, outside: Outside) -> Erased | Refused:
    """Outside first: while that fails, the person can still sign in and ask again. And outside once more in the end,
    for what was on its way to the archive when the account went. What breaks off in between, the orchestrator ends.
    """
    if person.needed:
        return NEEDED
    await outside.remove(person)
    try:
        await erasures.begin(hub.pool, uuid4(), person)
    except OrganisationNeedsOwner:
        return NEEDED
    rows = await erasures.erase(hub.pool, person)
    await ledger.append(hub.pool, [_record(hub, actor, person, rows)])
    await outside.remove(person)
    return Erased(rows)


def _record(hub: Hub, actor: Actor, person: Person, rows: int) -> Record:
    return Record(
        id=uuid4(),
        owner=person.account or actor.owner,
        event_type=ERASED,
        severity="warning",
        details={"kind": "guest" if person.account is None else "account", "rows": rows},
        created_at=hub.clock.now(),
        actor="" if person.account == actor.owner else actor.jid,
    )
