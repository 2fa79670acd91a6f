"""`aiox user export|erase`: what the hub holds about a person, handed out or erased, by the operator for them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.users import open_desk
from aiox.commands import erase_person, export_person
from aiox.commands.export_person import WhichPerson
from aiox.commands.fields import read
from aiox.kernel.outcome import Refused
from aiox.runtime.settings import Settings


async def export(settings: Settings, jid: str, out: BinaryIO) -> None:
    """Writes the JSON document of a person. Raises CannotGoOn."""
    fields = _which(jid)
    async with open_desk(settings) as desk:
        pieces = await export_person.run(desk.hub, desk.actor, fields)
        if isinstance(pieces, Refused):
            raise CannotGoOn(pieces.reason)
        async for piece in pieces:
            out.write(piece)


async def erase(settings: Settings, jid: str) -> str:
    """Erases a person. Raises CannotGoOn, XmppServerTrouble."""
    fields = _which(jid)
    async with open_desk(settings) as desk:
        done = await erase_person.run_for(desk.hub, desk.actor, fields, desk.people)
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
