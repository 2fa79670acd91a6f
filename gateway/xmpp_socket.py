"""The web's way to the XMPP server: WebSocket frames (RFC 7395) from the browser, carried there and back.

The server's own WebSocket does not hold stanzas to a size (ejabberd 24.12), and would be another origin with another
certificate. So it stays on loopback, and this door bounds what comes in. Who somebody is, the server asks, as on
every other stream (SASL); what they say is judged where all stanzas are. Nothing is read here.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from typing import Final
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException
from websockets.typing import Subprotocol

from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.runtime.xmpp_hosts import XmppHosts
from aiox.runtime.xmpp_tls import trust
from gateway.edge import is_known
from gateway.guard import App, Message, Receive, Scope, Send

PATH: Final = "/xmpp-websocket"
MAX_BYTES: Final = 524_288
"""The longest stanza, as on the server's own port (ejabberd.yml, max_stanza_size)."""
PLACES: Final = 1000
"""Connections that one gateway carries at a time."""
_PROTOCOL: Final = Subprotocol("xmpp")
_OPEN_S: Final = 10.0
_GONE: Final = 1014
_BUSY: Final = 1013
_REFUSED: Final = 1008

Connect = Callable[[], AbstractAsyncContextManager[ClientConnection]]
"""Opens a connection to the XMPP server. Raises OSError, TimeoutError, WebSocketException."""


def to_server(settings: Settings, secrets: Secrets, hosts: XmppHosts) -> Connect:
    """Connections to the server of this hub, by TLS, believed for the hub's domain; of several to one that is there."""
    tls = trust(settings, secrets.path("ca.crt"))
    url = f"wss://{settings.domain}:{settings.ports.xmpp_http}/ws"

    def open_at(host: str) -> AbstractAsyncContextManager[ClientConnection]:
        return connect(
            url,
            host=host,
            ssl=tls,
            subprotocols=[_PROTOCOL],
            compression=None,
            open_timeout=_OPEN_S,
            max_size=None,
            proxy=None,
        )

    @asynccontextmanager
    async def opened() -> AsyncIterator[ClientConnection]:
        async with AsyncExitStack() as stack:
            *others, last = hosts.round()
            for host in others:
                try:
                    server = await stack.enter_async_context(open_at(host))
                except (OSError, TimeoutError):
                    hosts.pass_over(host)
                else:
                    break
            else:
                server = await stack.enter_async_context(open_at(last))
            yield server

    return opened


class XmppSocket:
    """ASGI: carries WebSockets at PATH; everything else goes on to `app`. Pages of other origins are refused."""

    def __init__(
        self, app: App, server: Connect, hosts: Collection[str], origins: Collection[str], places: int = PLACES
    ) -> None:
        self._app = app
        self._server = server
        self._hosts = hosts
        self._origins = frozenset(origins)
        self._free = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection, from its handshake to its end."""
        if scope["type"] != "websocket":
            await self._app(scope, receive, send)
            return
        await receive()  # websocket.connect
        if not self._is_let_in(scope):
            await send({"type": "websocket.close", "code": _REFUSED})
        elif self._free <= 0:
            await send({"type": "websocket.close", "code": _BUSY})
        else:
            self._free -= 1
            try:
                await self._carry(receive, send)
            finally:
                self._free += 1

    def _is_let_in(self, scope: Scope) -> bool:
        if scope["path"] != PATH or _PROTOCOL not in scope.get("subprotocols", ()) or not is_known(scope, self._hosts):
            return False
        given = {name: value.decode("latin-1") for name, value in scope["headers"]}
        origin = given.get(b"origin", "")
        return origin in self._origins or (bool(origin) and urlsplit(origin).netloc == given.get(b"host"))

    async def _carry(self, receive: Receive, send: Send) -> None:
        try:
            async with self._server() as server:
                await send({"type": "websocket.accept", "subprotocol": str(_PROTOCOL)})
                await _both_ways(receive, send, server)
        except (OSError, TimeoutError, WebSocketException):
            with suppress(RuntimeError):  # the browser has gone as well
                await send({"type": "websocket.close", "code": _GONE})


class _Over(Exception):
    """One side has ended; so does the other."""


async def _both_ways(receive: Receive, send: Send, server: ClientConnection) -> None:
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_up(receive, server))
            tasks.create_task(_down(server, send))
    except* _Over:
        pass
    except* (OSError, WebSocketException):
        await _close(send)


async def _up(receive: Receive, server: ClientConnection) -> None:
    while True:
        message: Message = await receive()
        text = message.get("text")
        if message["type"] != "websocket.receive" or text is None:  # gone, or not what RFC 7395 speaks: text
            raise _Over
        await server.send(text)


async def _down(server: ClientConnection, send: Send) -> None:
    async for text in server:
        await send({"type": "websocket.send", "text": text if isinstance(text, str) else text.decode()})
    await _close(send)
    raise _Over


async def _close(send: Send) -> None:
    with suppress(RuntimeError):
        await send({"type": "websocket.close", "code": _GONE})
