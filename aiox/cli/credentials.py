"""`aiox credential ...`: the hub's own credentials for providers, from the operator's shell. No secret is shown.

With an account named: its own, or those of an organisation that it rules.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any, Final

from aiox.cli.agents import desk
from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import credentials
from aiox.commands.credentials import CredentialShown, ListCredentials, PutCredential, WhichCredential
from aiox.commands.fields import read
from aiox.commands.hub import Actor, Hub, ProviderDesk
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import LiveKeyRing
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from policy.credentials import Level


@dataclass(frozen=True, slots=True)
class Whose:
    """In whose name: an account's own by its address, an organisation's by its id with the address of a ruler, or the
    hub's.
    """

    owner: str = ""
    organisation: str = ""

    @property
    def scope(self) -> str:
        """As the commands call it. Raises CannotGoOn."""
        if self.organisation and not self.owner:
            raise CannotGoOn("an organisation does nothing by itself. Mend: name one of its admins with --owner")
        return self.organisation or ("own" if self.owner else "hub")


HUB: Final = Whose()


async def list_all(settings: Settings, whose: Whose = HUB) -> str:
    """One line per provider. Raises CannotGoOn."""
    fields = read(ListCredentials, {"scope": whose.scope})
    if isinstance(fields, Refused):
        raise CannotGoOn(f"{fields.reason}. Mend: aiox credential list --help")
    async with _desk(settings, whose) as (hub, actor):
        found = await credentials.list_all(hub, actor, fields)
    if isinstance(found, Refused):
        raise CannotGoOn(found.reason)
    return "\n".join(map(_line, found)) or "There are none. Mend: aiox credential set"


async def put(settings: Settings, whose: Whose = HUB, **given: Any) -> str:
    """Tests a credential and stores it. Raises CannotGoOn."""
    fields = read(PutCredential, {**given, "scope": whose.scope})
    if isinstance(fields, Refused):
        raise CannotGoOn(f"{fields.reason}. Mend: aiox credential set --help")
    return await _one(settings, whose, credentials.put, fields)


async def test(settings: Settings, whose: Whose = HUB, **given: Any) -> str:  # noqa: PT028 -- no test
    """Asks the provider again. Raises CannotGoOn."""
    return await _one(settings, whose, credentials.test, _which(whose, given))


async def delete(settings: Settings, whose: Whose = HUB, **given: Any) -> str:
    """Forgets it. Raises CannotGoOn."""
    return await _one(settings, whose, credentials.delete, _which(whose, given))


def _which(whose: Whose, given: dict[str, Any]) -> WhichCredential:
    fields = read(WhichCredential, {**given, "scope": whose.scope})
    if isinstance(fields, Refused):
        raise CannotGoOn(f"{fields.reason}. Mend: aiox credential list")
    return fields


async def _one(
    settings: Settings, whose: Whose, command: Callable[..., Awaitable[CredentialShown | Refused]], fields: Any
) -> str:
    async with _desk(settings, whose) as (hub, actor):
        done = await command(hub, actor, fields)
    if isinstance(done, Refused):
        raise CannotGoOn(f"{done.reason} Mend: aiox credential list")
    return _line(done)


@asynccontextmanager
async def _desk(settings: Settings, whose: Whose) -> AsyncIterator[tuple[Hub, Actor]]:
    if not whose.owner:
        async with _hub(settings) as found:
            yield found
        return
    async with desk(settings, whose.owner) as here:
        yield replace(here.hub, providers=ProviderDesk.of(settings)), here.actor


@asynccontextmanager
async def _hub(settings: Settings) -> AsyncIterator[tuple[Hub, Actor]]:
    secrets = Secrets.of(settings.home, "gateway")
    pool = await postgres.connect(settings, secrets, "gateway", size=1)
    try:
        hub = Hub(pool, LiveKeyRing.of(secrets), SystemClock(), settings.domain)
        yield hub, Actor(HUB_OWNER, BareJid(f"operator@{settings.domain}"))
    finally:
        await pool.close()


def _line(one: CredentialShown) -> str:
    where = f" at {one.api_base}" if one.api_base else ""
    level = "" if one.level is Level.HUB else f"{one.level} {one.organisation_id or ''}".strip()
    said: Sequence[str] = [str(one.kind), one.provider, str(one.mode), f"{one.status}{where}", one.reason, level]
    return "  ".join(filter(None, said))
