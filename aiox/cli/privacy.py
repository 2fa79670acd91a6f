"""`aiox user export|erase`: what the hub holds about a person, handed out or erased, by the operator for them."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import BinaryIO

from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.stack.xmpp_accounts import ServerAccounts
from aiox.commands import erase_person, export_person
from aiox.commands.export_person import WhichPerson
from aiox.commands.fields import read
from aiox.commands.hub import Actor, Hub
from aiox.commands.outside import HubOutside
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import KeyRing
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.runtime.xmpp_server import XmppServerTrouble


async def export(settings: Settings, jid: str, out: BinaryIO) -> None:
    """Writes the JSON document of a person. Raises CannotGoOn."""
    fields = _which(jid)
    async with _hub(settings) as (hub, operator):
        pieces = await export_person.run(hub, operator, fields)
        if isinstance(pieces, Refused):
            raise CannotGoOn(pieces.reason)
        async for piece in pieces:
            out.write(piece)


async def erase(settings: Settings, jid: str) -> str:
    """Erases a person. Raises CannotGoOn."""
    fields = _which(jid)
    home = Home(settings.home)
    outside = HubOutside(ServerAccounts(home, settings), settings.domain, home.root / "mail")
    async with _hub(settings) as (hub, operator):
        try:
            done = await erase_person.run_for(hub, operator, fields, outside)
        except XmppServerTrouble as trouble:
            raise CannotGoOn(f"{trouble}. Mend: start the hub ('make up'), then the same command again.") from trouble
    if isinstance(done, Refused):
        raise CannotGoOn(done.reason)
    return f"{jid} is erased: {done.rows} rows deleted. Caches follow within seconds. The ledger keeps ids only."


def private_out(path: Path) -> BinaryIO:
    """A new file that only its user may read. Raises CannotGoOn when it is there already, or cannot be made."""
    try:
        return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")
    except FileExistsError:
        raise CannotGoOn(f"{path} is there already. Mend: choose another name.") from None
    except OSError as wrong:
        raise CannotGoOn(f"{path} cannot be written: {wrong.strerror}. Mend: choose another place.") from wrong


def _which(jid: str) -> WhichPerson:
    fields = read(WhichPerson, {"jid": jid.strip().lower()})
    if isinstance(fields, Refused):
        raise CannotGoOn(f"{jid!r} is not an address. Mend: give a bare JID, such as ada@example.org")
    return fields


@asynccontextmanager
async def _hub(settings: Settings) -> AsyncIterator[tuple[Hub, Actor]]:
    secrets = Secrets.of(settings.home, "gateway")
    pool = await postgres.connect(settings, secrets, "gateway", size=2)
    try:
        keys = KeyRing.parse(secrets.read("keyring"))
        yield Hub(pool, keys, SystemClock(), settings.domain), Actor(HUB_OWNER, BareJid(f"operator@{settings.domain}"))
    finally:
        await pool.close()
