"""The scan finds what it looks for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from tests.e2e.containers.scan import is_fine, plain_text

STARTTLS = (
    b"<stream:features><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'><required/></starttls></stream:features>"
)
MECHANISMS = b"<stream:features><mechanisms><mechanism>PLAIN</mechanism></mechanisms></stream:features>"


@asynccontextmanager
async def door(answer: bytes) -> AsyncIterator[int]:
    """Says this to whoever comes, and closes."""

    async def met(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(64)
        writer.write(answer)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(met, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


@pytest.mark.control
@pytest.mark.parametrize(
    "said", [b"HTTP/1.1 200 OK\r\n\r\n", b"+PONG\r\n", b"INFO {}\r\n", b"<?xml?><stream:stream>" + MECHANISMS]
)
async def test_a_port_that_speaks_plain_text_is_found(said: bytes) -> None:
    async with door(said) as port:
        assert await plain_text(port)


@pytest.mark.parametrize("said", [b"", b"\x15\x03\x01\x00\x02\x02\x46", b"<?xml?><stream:stream>" + STARTTLS])
async def test_a_port_that_asks_for_tls_is_not(said: bytes) -> None:
    async with door(said) as port:
        assert await plain_text(port) == []


def test_a_way_past_starttls_is_no_requirement() -> None:
    assert not is_fine("xmpp", b"<?xml?><stream:stream>" + STARTTLS + MECHANISMS)
