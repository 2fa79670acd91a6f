"""`aiox user ...`: accounts, from the operator's shell. The operator sees addresses and states, no texts."""

from __future__ import annotations

import secrets as random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.commands import create_account, users
from aiox.commands.create_account import CreateAccount
from aiox.commands.fields import Form, read
from aiox.commands.hub import Actor, Hub
from aiox.commands.passwords import Passwords
from aiox.commands.people import HouseRules, People
from aiox.kernel.account import HubRole
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import LiveKeyRing
from aiox.runtime.mail import post_of
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from registry.accounts import AccountRow

NO_ROLE: Final = "none"
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the operator works."""

    hub: Hub
    actor: Actor
    people: People


async def add(settings: Settings, email: str, name: str, password_file: Path | None) -> str:
    """Makes an account; without a file with a password that is told once. Raises CannotGoOn."""
    password = _password(password_file)
    async with open_desk(settings) as desk:
        fields = _fields(CreateAccount, email=email, name=name, password=password)
        server = desk.people.xmpp
        made = _or_stop(await create_account.run(desk.hub, desk.actor, fields, server, desk.people.passwords))
    told = "" if password_file else f"\npassword  {password}\nIt is told once. The person can change it."
    return f"{fields.email} has an account now.\nJID       {made.jid}{told}"


async def list_all(settings: Settings) -> str:
    """One line per account, oldest first. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        found = _or_stop(await users.list_all(desk.hub, desk.actor))
    if not found:
        return "There is no account yet. Make one: aiox user add"
    return "\n".join(f"{row.email}  {row.jid}  {_state(row)}" for row in found)


async def show(settings: Settings, email: str) -> str:
    """What the hub knows of an account's standing. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        row = _or_stop(await users.show(desk.hub, desk.actor, _fields(users.WhichUser, email=email)))
    facts = {
        "e-mail": row.email,
        "JID": row.jid,
        "id": row.owner,
        "role": row.hub_role or NO_ROLE,
        "second factor": "on" if row.second_factor else "off",
        "made": row.created_at.isoformat(timespec="seconds"),
        "confirmed": row.confirmed_at.isoformat(timespec="seconds") if row.confirmed_at else "not yet",
        "state": "active" if row.deactivated_at is None else f"deactivated {row.deactivated_at:%Y-%m-%d %H:%M}",
    }
    return "\n".join(f"{name:<14} {value}" for name, value in facts.items())


async def put_password(settings: Settings, email: str, password_file: Path | None) -> str:
    """Sets a password, in the hub and on the XMPP server, and signs out everywhere. Raises CannotGoOn."""
    password = _password(password_file)
    async with open_desk(settings) as desk:
        fields = _fields(users.PutPassword, email=email, password=password)
        row = _or_stop(await users.put_password(desk.hub, desk.actor, fields, desk.people))
    told = "" if password_file else f"\npassword  {password}\nIt is told once. The person can change it."
    return f"{row.email} has another password and is signed out everywhere.{told}"


async def turn_on_second_factor(settings: Settings, email: str, ask: Callable[[str, str], str]) -> str:
    """Shows a secret, asks for a code, answers with the recovery codes. `ask` is given secret and address of the code.

    Raises CannotGoOn.
    """
    async with open_desk(settings) as desk:
        begun = _or_stop(await users.begin_second_factor(desk.hub, desk.actor, _fields(users.WhichUser, email=email)))
        code = ask(begun.secret, begun.uri)
        fields = _fields(users.Code, email=email, code=code)
        codes = _or_stop(await users.confirm_second_factor(desk.hub, desk.actor, fields))
    return "\n".join(["The second factor is on. Recovery codes, each good once, told once:", *codes])


async def turn_off_second_factor(settings: Settings, email: str) -> str:
    """For somebody who lost authenticator and codes. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        fields = _fields(users.WhichUser, email=email)
        row = _or_stop(await users.remove_second_factor(desk.hub, desk.actor, fields))
    return f"{row.email} signs in without a second factor now."


async def put_role(settings: Settings, email: str, role: str) -> str:
    """Gives or takes a role on the hub itself. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        wanted = None if role == NO_ROLE else role
        row = _or_stop(await users.put_role(desk.hub, desk.actor, _fields(users.PutRole, email=email, role=wanted)))
    return f"{row.email} was {row.hub_role or NO_ROLE} and is {HubRole(role) if wanted else NO_ROLE} now."


async def deactivate(settings: Settings, email: str) -> str:
    """Ends everything that the account has open, and lets nobody in. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        fields = _fields(users.WhichUser, email=email)
        row = _or_stop(await users.deactivate(desk.hub, desk.actor, fields, desk.people))
    return f"{row.email} is signed out everywhere, on XMPP too, and cannot come back until 'aiox user activate'."


async def activate(settings: Settings, email: str) -> str:
    """Lets the account in again. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        fields = _fields(users.WhichUser, email=email)
        row = _or_stop(await users.activate(desk.hub, desk.actor, fields, desk.people))
    return f"{row.email} may sign in again, with the password as it was."


async def list_sessions(settings: Settings, email: str) -> str:
    """Where the account is signed in on the web and by scripts. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        fields = _fields(users.WhichUser, email=email)
        found = _or_stop(await users.list_sessions(desk.hub, desk.actor, fields, desk.people))
    if not found:
        return f"{email} is signed in nowhere."
    return "\n".join(
        f"{one.id}  since {one.created_at:%Y-%m-%d %H:%M}  used {one.last_used_at:%Y-%m-%d %H:%M}"
        f"  {one.address}  {_printable(one.client)}"
        for one in found
    )


async def end_sessions(settings: Settings, email: str) -> str:
    """Signs the account out everywhere. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        fields = _fields(users.WhichUser, email=email)
        ended = _or_stop(await users.end_all_sessions(desk.hub, desk.actor, fields, desk.people))
    return f"{ended} sessions of {email} have ended."


@asynccontextmanager
async def open_desk(settings: Settings) -> AsyncIterator[Desk]:
    """What the operator's commands about people need. Raises SecretMissing, OSError, asyncpg.PostgresError."""
    secrets = Secrets.of(settings.home, "gateway")
    clock = SystemClock()
    pool = await postgres.connect(settings, secrets, "gateway", size=2)
    try:
        hub = Hub(pool, LiveKeyRing.of(secrets), clock, settings.domain)
        server = ServerAccounts(Home(settings.home), settings)
        # Signing up is not done from here, so nothing is reserved.
        post = post_of(settings, clock)
        people = People(Passwords(), server, post.send, HouseRules.of(settings), b"", post.forget)
        yield Desk(hub, Actor(HUB_OWNER, BareJid(f"operator@{settings.domain}")), people)
    finally:
        await pool.close()


def _password(file: Path | None) -> str:
    return random.token_urlsafe(15) if file is None else read_password(file)


def read_password(file: Path) -> str:
    """The password in a file. Raises CannotGoOn."""
    try:
        return file.read_text().rstrip("\n")
    except (OSError, UnicodeDecodeError) as wrong:
        raise CannotGoOn(f"the password file cannot be read: {wrong}. Mend: give another.") from wrong


def _fields(form: type[Form], **given: Any) -> Form:
    return _or_stop(read(form, given))


def _or_stop(result: Answer | Refused) -> Answer:
    if isinstance(result, Refused):
        raise CannotGoOn(f"{result.reason} Mend: see 'aiox user list', or --help for what is asked.")
    return result


def _state(row: AccountRow) -> str:
    words = [str(row.hub_role)] if row.hub_role else []
    words += ["second factor"] if row.second_factor else []
    words += ["not confirmed"] if row.confirmed_at is None else []
    words += ["deactivated"] if row.deactivated_at is not None else ["active"]
    return ", ".join(words)


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
