"""The web's way to give a file to a chat (XEP-0363): carried to the XMPP server, which is another origin with another
certificate and stays on loopback.

The server hands out the place for a file over the person's own stream, and knows who may fill it by its address alone,
once, with the size that was announced there. This door bounds what comes in, and reads nothing of it.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from typing import Final
from urllib.parse import urlsplit

import aiohttp

from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.runtime.xmpp_hosts import XmppHosts
from aiox.runtime.xmpp_tls import trust
from gateway.edge import is_known
from gateway.guard import UPLOAD_TIMEOUT_S, App, Receive, Scope, Send

PREFIX: Final = "/xmpp-upload/"
PLACES: Final = 32
"""Files that one gateway carries at a time."""
_SLOT: Final = re.compile(rb"/xmpp-upload(/[A-Za-z0-9]{1,128}/[A-Za-z0-9]{1,128}/(?!\.|%2[Ee])[A-Za-z0-9._~%-]{1,300})")
_TAKEN: Final = 201
_GONE: Final = 502
_HEADERS: Final = [(b"content-length", b"0"), (b"cache-control", b"no-store"), (b"x-content-type-options", b"nosniff")]

Pieces = AsyncIterator[bytes]
Put = Callable[[str, int, str, Pieces], Awaitable[int]]
"""Fills a place of the server: its path, bytes, media type and content. The status it answers. Raises OSError,
TimeoutError, aiohttp.ClientError.
"""


class _CutOff(Exception):
    """The browser went away, or sent more than it had announced."""


def to_server(settings: Settings, secrets: Secrets, hosts: XmppHosts) -> Put:
    """Puts to the server of this hub, by TLS, believed for the hub's domain.

    Of several to the one that is asked now: each keeps its own list of places.
    """
    tls = trust(settings, secrets.path("ca.crt"))
    host = urlsplit(settings.upload_url).netloc

    async def put(path: str, length: int, media_type: str, pieces: Pieces) -> int:
        url = f"https://{hosts.now}:{settings.ports.xmpp_http}/upload{path}"
        headers = {"Host": host, "Content-Length": str(length), "Content-Type": media_type}
        async with (
            aiohttp.ClientSession() as session,
            session.put(
                url, data=pieces, headers=headers, ssl=tls, allow_redirects=False, server_hostname=settings.domain
            ) as answer,
        ):
            return answer.status

    return put


class XmppUpload:
    """ASGI: carries PUTs under PREFIX; everything else goes on to `app`. Pages of other origins are refused."""

    def __init__(self, app: App, put: Put, hosts: Collection[str], most_bytes: int, places: int = PLACES) -> None:
        self._app = app
        self._put = put
        self._hosts = hosts
        self._most = most_bytes
        self._free = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One file. Answers 201, or what was wrong, without a body."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self._app(scope, receive, send)
            return
        status = self._fault(scope)
        if status == 0:
            self._free -= 1
            try:
                status = await self._carried(scope, receive)
            finally:
                self._free += 1
        await send({"type": "http.response.start", "status": status, "headers": _HEADERS})
        await send({"type": "http.response.body", "body": b""})

    def _fault(self, scope: Scope) -> int:
        """The status of a refusal; 0: none."""
        length = _header(scope, b"content-length")
        if not is_known(scope, self._hosts):
            return 421
        if scope["method"] != "PUT":
            return 405
        if urlsplit(_header(scope, b"origin")).netloc != _header(scope, b"host") or _slot(scope) is None:
            return 404
        if not length.isdecimal():
            return 411
        if int(length) > self._most:
            return 413
        return 503 if self._free <= 0 else 0

    async def _carried(self, scope: Scope, receive: Receive) -> int:
        length, path = int(_header(scope, b"content-length")), _slot(scope) or ""
        media_type = _header(scope, b"content-type") or "application/octet-stream"
        try:
            async with asyncio.timeout(UPLOAD_TIMEOUT_S):
                status = await self._put(path, length, media_type, _pieces(receive, length))
        except (OSError, TimeoutError, aiohttp.ClientError, _CutOff):
            return _GONE
        return status if status == _TAKEN or 400 <= status < 500 else _GONE


async def _pieces(receive: Receive, length: int) -> Pieces:
    got, more = 0, True
    while more:
        message = await receive()
        piece = message.get("body", b"")
        got += len(piece)
        if message["type"] != "http.request" or got > length:
            raise _CutOff
        more = message.get("more_body", False)
        if piece:
            yield piece


def _slot(scope: Scope) -> str | None:
    """Where the server keeps the file, as it named it itself."""
    found = _SLOT.fullmatch(scope.get("raw_path", b"").partition(b"?")[0])
    return None if found is None else found[1].decode()


def _header(scope: Scope, name: bytes) -> str:
    found = [value for key, value in scope["headers"] if key == name]
    return found[0].decode("latin-1") if len(found) == 1 else ""
