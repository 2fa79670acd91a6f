"""From a host to the addresses that may be connected to: resolved once, all of them judged, then kept to."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from typing import Final

from aiox.runtime.egress.addresses import is_public
from aiox.runtime.egress.urls import Blocked

Resolve = Callable[[str, int], Awaitable[list[str]]]
"""Addresses of a host. Raises OSError."""

NOT_FOUND: Final = "This host has no address."
NOT_PUBLIC: Final = "This host is not on the public Internet, and tools may not reach it."


async def by_system(host: str, port: int) -> list[str]:
    """As the machine resolves names."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(one[4][0]) for one in found))


def is_own(address: str) -> bool:
    """Whether an address is this machine's: only then can a socket be bound to it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as trial:
        try:
            trial.bind((address, 0))
        except OSError:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Reach:
    """What may be connected to. `internal` are the operator's exceptions: `address:port`, whatever name leads there."""

    internal: Collection[str] = ()
    resolve: Resolve = by_system
    own: Callable[[str], bool] = is_own

    async def addresses(self, host: str, port: int) -> tuple[str, ...]:
        """Where to connect. Raises Blocked when there is none, or when one of them may not be reached."""
        try:
            found = await self.resolve(host, port)
        except (OSError, UnicodeError):
            raise Blocked(NOT_FOUND) from None
        if not found:
            raise Blocked(NOT_FOUND)
        if not all(self.may_reach(address, port) for address in found):
            raise Blocked(NOT_PUBLIC)
        return tuple(found)

    def may_reach(self, address: str, port: int) -> bool:
        """Whether an address may be connected to."""
        return f"{address}:{port}" in self.internal or (is_public(address) and not self.own(address))
