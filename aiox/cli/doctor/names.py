"""What name servers say of a host, and of a service (RFC 2782). Asked directly: no hosts file has a word in it."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiodns
from aiodns.error import ARES_ENODATA, ARES_ENOTFOUND, DNSError

_TIMEOUT_S: Final = 5.0
_TRIES: Final = 2


class NamesAway(Exception):
    """No name server answers. The message says which error there was."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a service is. An empty target: there is none, and that is said on purpose."""

    target: str
    port: int
    priority: int = 0


class Names:
    """Name servers, those of this machine unless others are given. Use as a context: it holds sockets."""

    def __init__(self, servers: Sequence[str] = (), port: int = 53) -> None:
        given: dict[str, Any] = {"nameservers": list(servers), "udp_port": port, "tcp_port": port} if servers else {}
        self._resolver = aiodns.DNSResolver(timeout=_TIMEOUT_S, tries=_TRIES, **given)

    async def __aenter__(self) -> Names:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._resolver.close()

    async def addresses(self, host: str) -> tuple[str, ...]:
        """Addresses of both kinds; none when the name has none. Raises NamesAway."""
        found = [one.addr for kind in ("A", "AAAA") for one in await self._ask(host, kind)]
        return tuple(str(ipaddress.ip_address(one)) for one in found)

    async def places(self, service: str) -> tuple[Place, ...]:
        """Where a service such as `_xmpp-server._tcp.example.org` is, the first to try first. Raises NamesAway."""
        found = [Place(one.target.rstrip("."), one.port, one.priority) for one in await self._ask(service, "SRV")]
        return tuple(sorted(found, key=lambda one: one.priority))

    async def _ask(self, name: str, kind: str) -> list[Any]:
        wanted = {"A": "ARecordData", "AAAA": "AAAARecordData", "SRV": "SRVRecordData"}[kind]
        try:
            answer = await self._resolver.query_dns(name, kind)
        except DNSError as no:
            if no.args[0] in (ARES_ENODATA, ARES_ENOTFOUND):
                return []
            raise NamesAway(f"{name} {kind}: {no.args[-1]}") from no
        return [one.data for one in answer.answer if type(one.data).__name__ == wanted]
