"""The web's way to the XMPP server: for our own pages only, one size for all, and no more than there are places for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Origin, Subprotocol

from aiox.runtime import health
from gateway.xmpp_socket import MAX_BYTES, PATH, XmppSocket
from tests.stack import free_ports

XMPP = [Subprotocol("xmpp")]
SOON_S = 60.0


class Behind:
    """An XMPP server's place: says back what it hears, until it hears `end`."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    async def take(self, line: ServerConnection) -> None:
        async for text in line:
            assert isinstance(text, str)
            self.heard.append(text)
            if text == "end":
                return
            await line.send(f"<said>{text}</said>")


async def _elsewhere(_scope: Any, _receive: Any, _send: Any) -> None:
    raise AssertionError("no request of HTTP is made here")


@asynccontextmanager
async def door(
    origins: Sequence[str] = (), places: int = 10, limit: int = MAX_BYTES
) -> AsyncIterator[tuple[str, Behind]]:
    """The socket's address on a real port, and who stands behind it."""
    ports, behind = free_ports(), Behind()
    async with serve(behind.take, "127.0.0.1", ports.xmpp_http, subprotocols=XMPP, max_size=None):
        to = partial(connect, f"ws://127.0.0.1:{ports.xmpp_http}/ws", subprotocols=XMPP, proxy=None, max_size=None)
        app = XmppSocket(_elsewhere, to, (), origins, places)
        async with asyncio.timeout(SOON_S * 2):
            serving = asyncio.ensure_future(health.serve(app, ports.gateway, linger_s=1, socket_bytes=limit))
            try:
                yield f"127.0.0.1:{ports.gateway}", behind
            finally:
                serving.cancel()
                await asyncio.gather(serving, return_exceptions=True)


async def opened(
    at: str, *, origin: str = "", path: str = PATH, protocols: list[Subprotocol] | None = XMPP
) -> ClientConnection:
    """Connects as a page of `origin` would; our own when empty. Tries until the door listens."""
    for _ in range(200):
        try:
            return await connect(
                f"ws://{at}{path}",
                origin=Origin(origin or f"http://{at}"),
                subprotocols=protocols,
                proxy=None,
                max_size=None,
            )
        except ConnectionRefusedError:
            await asyncio.sleep(0.05)
    raise AssertionError("the door does not listen")


async def test_what_is_said_goes_there_and_back_and_both_ends_end_together() -> None:
    async with door() as (at, behind):
        line = await opened(at)
        assert line.subprotocol == "xmpp"
        await line.send("<open/>")
        assert await line.recv() == "<said><open/></said>"
        await line.send("end")
        with pytest.raises(ConnectionClosed):
            await line.recv()
        assert behind.heard == ["<open/>", "end"]


@pytest.mark.parametrize(
    "asked",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"path": "/elsewhere"},
        {"protocols": None},
        {"protocols": [Subprotocol("chat")]},
    ],
)
async def test_what_is_not_our_own_page_speaking_xmpp_is_refused(asked: dict[str, Any]) -> None:
    async with door() as (at, behind):
        with pytest.raises(InvalidStatus):
            await opened(at, **asked)
        assert behind.heard == []


@pytest.mark.control
async def test_an_origin_that_the_operator_named_is_let_in() -> None:
    async with door(origins=["https://evil.example"]) as (at, _):
        line = await opened(at, origin="https://evil.example")
        await line.send("<open/>")
        assert await line.recv() == "<said><open/></said>"
        await line.close()


async def test_a_stanza_that_is_too_long_ends_the_connection_and_goes_nowhere() -> None:
    async with door() as (at, behind):
        line = await opened(at)
        with suppress(ConnectionClosed):  # refused while it is still being sent
            await line.send("x" * (MAX_BYTES + 1))
        await line.wait_closed()
        assert line.close_code == 1009
        assert behind.heard == []


@pytest.mark.control
async def test_without_the_limit_the_long_stanza_arrives() -> None:
    async with door(limit=4 * MAX_BYTES) as (at, behind):
        line = await opened(at)
        await line.send("x" * (MAX_BYTES + 1))
        await line.recv()
        assert [len(one) for one in behind.heard] == [MAX_BYTES + 1]
        await line.close()


async def test_there_are_only_so_many_places_and_one_that_left_is_free_again() -> None:
    async with door(places=1) as (at, _):
        first = await opened(at)
        with pytest.raises(InvalidStatus):
            await opened(at)
        await first.close()
        for _attempt in range(200):
            try:
                again = await opened(at)
            except InvalidStatus:
                await asyncio.sleep(0.05)
            else:
                await again.close()
                return
        raise AssertionError("the place was never free again")
