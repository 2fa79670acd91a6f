"""What every command needs to run, and who asks."""

from __future__ import annotations

from dataclasses import dataclass

from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import Clock
from aiox.runtime.keyring import KeyRing
from aiox.runtime.postgres import Pool


@dataclass(frozen=True, slots=True)
class Hub:
    """The stores, keys and clock behind the commands. `domain` is the hub's XMPP domain."""

    pool: Pool
    keys: KeyRing
    clock: Clock
    domain: str


@dataclass(frozen=True, slots=True)
class Actor:
    """The person who asks: an account, and the address it speaks from."""

    owner: OwnerId
    jid: BareJid
