"""One HTTP request on somebody else's word: where it may go, how much it may bring, how long it may take."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from aiox.runtime.egress.reach import NOT_PUBLIC, Reach
from aiox.runtime.egress.urls import Blocked, Target, is_named, read_url

PORTS: Final = frozenset({80, 443, 8080, 8443})
MAX_REDIRECTS: Final = 5
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_KEEP_METHOD: Final = frozenset({307, 308})
_HARMLESS: Final = frozenset({"accept", "accept-language", "user-agent"})
"""What crosses from one origin to another; everything else may be a credential, or speak of the body."""
_OURS: Final = re.compile(
    r"^(host|content-length|transfer-encoding|connection|keep-alive|te|trailer|upgrade|expect|accept-encoding|proxy-.*"
    r"|forwarded|x-forwarded-.*|via)$"
)
_TOKEN: Final = re.compile(r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")
_VALUE: Final = re.compile(r"^[\x20-\x7e\x80-\xff]{0,4096}$")
_CHUNK: Final = 1 << 14


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request. It goes to hosts that `allowed` names, and to no others, however it is redirected."""

    url: str
    allowed: Sequence[str]
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    timeout_s: float = 20.0
    """For all of it, redirects too."""
    max_bytes: int = 1 << 20
    """Of the answer's body; what is beyond is not read."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """An answer: untrusted. `whole` says whether all of its body is there."""

    status: int
    url: str
    headers: Mapping[str, str]
    body: bytes
    whole: bool


class NotAnswered(Exception):
    """The other side could not be reached, broke off, or took too long. The text is a sentence for whoever asked."""


class Egress:
    """The transport that every tool shares. Nothing of a request is kept: no connection, no cookie."""

    def __init__(
        self, reach: Reach, ports: frozenset[int] = PORTS, trust: Any = True, *, redirects: bool = True
    ) -> None:
        """`redirects` False: an answer that sends elsewhere is refused."""
        self._reach = reach
        self._most = MAX_REDIRECTS if redirects else 0
        self._ports = ports | {int(one.rpartition(":")[2]) for one in reach.internal}
        self._trust = trust
        """An ssl.SSLContext, or True for the system's authorities."""

    async def fetch(self, asked: Outgoing) -> Incoming:
        """Asks, and follows redirects. Raises Blocked, NotAnswered."""
        _check_headers(asked.headers)
        try:
            async with asyncio.timeout(asked.timeout_s):
                return await self._follow(asked)
        except TimeoutError:
            raise NotAnswered(f"There was no answer within {asked.timeout_s:g} seconds.") from None
        except aiohttp.ClientError as broken:
            raise NotAnswered(f"The other side could not be asked: {type(broken).__name__}.") from None

    async def _follow(self, asked: Outgoing) -> Incoming:
        target = self._target(asked.url, asked)
        for _ in range(self._most + 1):
            answer, location = await self._once(asked, target)
            if location is None:
                return answer
            target, asked = self._redirected(asked, target, answer.status, location)
        raise Blocked(f"There were more than {self._most} redirects.")

    def _target(self, url: str, asked: Outgoing) -> Target:
        target = read_url(url, self._ports)
        if not is_named(target.host, asked.allowed):
            raise Blocked(f"{target.host} is not among the domains that are allowed here.")
        return target

    def _redirected(self, asked: Outgoing, before: Target, status: int, location: str) -> tuple[Target, Outgoing]:
        """Where it goes on, with what may be shown there."""
        try:
            joined = str(before.url.join(URL(location)))
        except ValueError:
            raise Blocked("The other side redirects to what is no URL.") from None
        target = self._target(joined, asked)
        if before.scheme == "https" and target.scheme != "https":
            raise Blocked("The other side redirects from https to http.")
        if status not in _KEEP_METHOD and asked.method != "HEAD":
            bare = {name: value for name, value in asked.headers.items() if not name.lower().startswith("content-")}
            asked = replace(asked, method="GET", body=b"", headers=bare)
        if target.origin != before.origin:
            if asked.body:
                raise Blocked("The other side redirects a request with a body to somebody else.")
            kept = {name: value for name, value in asked.headers.items() if name.lower() in _HARMLESS}
            asked = replace(asked, headers=kept)
        return target, asked

    async def _once(self, asked: Outgoing, target: Target) -> tuple[Incoming, str | None]:
        """One request to one of the addresses that were judged, and where it redirects to."""
        addresses = await self._reach.addresses(target.host, target.port)
        connector = aiohttp.TCPConnector(
            resolver=_Pinned(target.host, addresses),
            use_dns_cache=False,
            force_close=True,
            ssl=self._trust,
            socket_factory=lambda info: self._socket(info, target.port),
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),
        )
        headers = {**asked.headers, "Accept-Encoding": "identity"}
        async with (
            session,
            session.request(
                asked.method, target.url, headers=headers, data=asked.body or None, allow_redirects=False
            ) as response,
        ):
            location = response.headers.get("Location") if response.status in _REDIRECTS else None
            if location is not None:
                return Incoming(response.status, str(target.url), {}, b"", whole=False), location
            body, whole = await _body(response, asked.max_bytes)
            shown = {name.lower(): value for name, value in response.headers.items()}
            return Incoming(response.status, str(target.url), shown, body, whole), None

    def _socket(self, info: Any, port: int) -> socket.socket:
        """The last look before anything is sent: whatever stands above may err."""
        family, kind, protocol, _, address = info
        if address[1] != port or not self._reach.may_reach(str(address[0]), port):
            raise Blocked(NOT_PUBLIC)
        return socket.socket(family, kind, protocol)


class _Pinned(AbstractResolver):
    """Answers with the addresses that were judged, for the one host they belong to."""

    def __init__(self, host: str, addresses: Sequence[str]) -> None:
        self._host = host
        self._addresses = addresses

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host.lower().removesuffix(".") != self._host:
            raise OSError(f"{host} was not judged")
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=socket.IPPROTO_TCP,
                flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
            )
            for address in self._addresses
        ]

    async def close(self) -> None:
        """Holds nothing."""


async def _body(response: aiohttp.ClientResponse, limit: int) -> tuple[bytes, bool]:
    if response.headers.get("Content-Encoding", "identity").lower() not in {"", "identity"}:
        raise Blocked("The other side answers compressed, which it was asked not to.")
    body = bytearray()
    async for chunk in response.content.iter_chunked(_CHUNK):
        body += chunk[: limit + 1 - len(body)]
        if len(body) > limit:
            return bytes(body[:limit]), False
    return bytes(body), True


def _check_headers(headers: Mapping[str, str]) -> None:
    for name, value in headers.items():
        if not _TOKEN.fullmatch(name) or not _VALUE.fullmatch(value):
            raise Blocked("A header has a name or value that HTTP does not allow.")
        if _OURS.match(name.lower()):
            raise Blocked(f"The header {name.lower()} is the hub's own.")
