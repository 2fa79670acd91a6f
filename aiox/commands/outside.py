"""What lies of a person outside the hub's database, taken away: the XMPP account, and letters kept as files."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path
from typing import Protocol

from aiox.kernel.jid import BareJid, domain
from registry.erasures import Person


class RemovesAccounts(Protocol):
    """The XMPP server's accounts, as far as erasing needs them."""

    async def remove(self, jid: BareJid) -> None:
        """Takes an account away with its archive, roster and vCard; again is a no-op. Raises XmppServerTrouble."""
        ...


@dataclass(frozen=True, slots=True)
class HubOutside:
    """`aiox.commands.erase_person.Outside` for this hub. `hub_domain` is the domain of its accounts."""

    server: RemovesAccounts
    hub_domain: str
    mail_folder: Path

    async def remove(self, person: Person) -> None:
        """Only an account of this hub has anything on its server. Raises XmppServerTrouble, OSError."""
        if domain(person.jid) == self.hub_domain:
            await self.server.remove(person.jid)
        if person.email:
            await asyncio.to_thread(remove_letters, self.mail_folder, person.email)


def remove_letters(folder: Path, email: str) -> int:
    """Deletes letters to an address that were kept as files; returns how many. Raises OSError."""
    gone = 0
    for path in sorted(folder.glob("*.eml")):
        if str(message_from_bytes(path.read_bytes()).get("To", "")).strip().lower() == email.lower():
            path.unlink()
            gone += 1
    return gone
