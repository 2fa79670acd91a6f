"""The end of everything the hub holds about a person, but the ledger's ids (SPEC 5)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from aiox.commands import end_sessions
from aiox.commands.export_person import WhichPerson
from aiox.commands.hub import Actor, Hub
from aiox.commands.people import People
from aiox.commands.recording import happened
from aiox.commands.refusal import refused
from aiox.commands.second_factor import WithPassword, password_refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.jid import BareJid, domain
from aiox.kernel.outcome import Refused
from registry import erasures
from registry.erasures import OrganisationNeedsOwner, Person
from registry.sessions import Ending

ERASED: Final = "person.erased"
NEEDED: Final = Refused(
    ErrorCode.CONFLICT,
    "An organisation has no other owner. Make a member its owner first, or let its members go.",
    ("E1 organisation",),
)


@dataclass(frozen=True, slots=True)
class Erased:
    """It is gone. `rows` were deleted from the database."""

    rows: int


async def run(hub: Hub, actor: Actor, fields: WithPassword, people: People) -> Erased | Refused:
    """Erases the actor, who has to give their password. PASSWORD_WRONG; CONFLICT while an organisation depends on them
    alone. Raises XmppServerTrouble.
    """
    no = await refused(hub, actor, Action.PERSON_ERASE, actor.owner)
    no = no or await password_refused(hub, actor, fields.password, people)
    return no or await _erase(hub, actor, await erasures.find_person(hub.pool, actor.jid), people)


async def run_for(hub: Hub, operator: Actor, fields: WhichPerson, people: People) -> Erased | Refused:
    """The same for the operator at the shell, for any account or guest. Another run ends one that broke off."""
    no = await refused(hub, operator, Action.PERSON_ERASE, operator.owner)
    return no or await _erase(hub, operator, await erasures.find_person(hub.pool, BareJid(fields.jid)), people)


async def _erase(hub: Hub, actor: Actor, person: Person, people: People) -> Erased | Refused:
    """Outside first: while that fails, the person can still sign in and ask again. And outside once more in the end,
    for what was on its way to the archive when the account went. What breaks off in between, the orchestrator ends.
    """
    if person.needed:
        return NEEDED
    if person.account is not None:
        await end_sessions.end(hub, actor, people, Ending.ERASED, about=person.account)
    await _take_from_outside(hub, person, people)
    try:
        await erasures.begin(hub.pool, uuid4(), person)
    except OrganisationNeedsOwner:
        return NEEDED
    rows = await erasures.erase(hub.pool, person)
    whose = person.account or actor.owner
    kind = "guest" if person.account is None else "account"
    await happened(hub, actor, ERASED, "warning", about=whose, kind=kind, rows=rows)
    await _take_from_outside(hub, person, people)
    return Erased(rows)


async def _take_from_outside(hub: Hub, person: Person, people: People) -> None:
    """Only an account of this hub has anything on its server."""
    if domain(person.jid) == hub.domain:
        await people.xmpp.remove(person.jid)
    if person.email:
        await people.forget_letters(person.email, person.jid)
