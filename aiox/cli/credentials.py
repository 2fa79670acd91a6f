"""`aiox credential ...`: the hub's own credentials for providers, from the operator's shell. No secret is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiox.cli.stack.trouble import CannotGoOn
from aiox.commands import credentials
from aiox.commands.credentials import CredentialShown, ListCredentials, PutCredential, WhichCredential
from aiox.commands.fields import read
from aiox.commands.hub import Actor, Hub
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import LiveKeyRing
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings


async def list_all(settings: Settings) -> str:
    """One line per provider."""
    async with _hub(settings) as (hub, actor):
        found = await credentials.list_all(hub, actor, ListCredentials(scope="hub"))
    if isinstance(found, Refused):
        raise CannotGoOn(found.reason)
    return "\n".join(map(_line, found)) or "The hub has no credentials of its own. Mend: aiox credential set"


async def put(settings: Settings, **given: Any) -> str:
    """Tests a credential and stores it for the whole hub. Raises CannotGoOn."""
    fields = read(PutCredential, {**given, "scope": "hub"})
    if isinstance(fields, Refused):
        raise CannotGoOn(f"{fields.reason}. Mend: aiox credential set --help")
    return await _one(settings, credentials.put, fields)


async def test(settings: Settings, **given: Any) -> str:
    """Asks the provider again. Raises CannotGoOn."""
    return await _one(settings, credentials.test, _which(given))


async def delete(settings: Settings, **given: Any) -> str:
    """Forgets it. Raises CannotGoOn."""
    return await _one(settings, credentials.delete, _which(given))


def _which(given: dict[str, Any]) -> WhichCredential:
    fields = read(WhichCredential, {**given, "scope": "hub"})
    if isinstance(fields, Refused):
        raise CannotGoOn(f"{fields.reason}. Mend: aiox credential list")
    return fields


async def _one(settings: Settings, command: Callable[..., Awaitable[CredentialShown | Refused]], fields: Any) -> str:
    async with _hub(settings) as (hub, actor):
        done = await command(hub, actor, fields)
    if isinstance(done, Refused):
        raise CannotGoOn(f"{done.reason} Mend: aiox credential list")
    return _line(done)


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
    said: Sequence[str] = [str(one.kind), one.provider, str(one.mode), f"{one.status}{where}", one.reason]
    return "  ".join(filter(None, said))
