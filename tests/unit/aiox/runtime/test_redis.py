"""A Redis that answers nobody is asked once; one that starts anew is asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aiox.runtime import redis
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Ports, Settings
from registry.rates import Rates, RatesUnavailable

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Met:
    """How many have connected."""

    port: int = 0
    count: int = 0


@asynccontextmanager
async def server(serve: Serve) -> AsyncIterator[Met]:
    met = Met()

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        met.count += 1
        try:
            await serve(reader, writer)
        finally:
            writer.close()

    listening = await asyncio.start_server(meet, "127.0.0.1", 0)
    async with listening:
        met.port = listening.sockets[0].getsockname()[1]
        yield met


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        pass


async def breaks(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Closes at once, as one that starts anew."""


async def asked(folder: Path, met: Met) -> None:
    secrets = Secrets.of(folder, "gateway")
    secrets.write("redis", "x")
    client = redis.connect(Settings(home=folder, ports=Ports(redis=met.port)), secrets, "gateway")
    try:
        with pytest.raises(RatesUnavailable):
            await Rates(client).count("agent.list", "somebody", 1)
    finally:
        await client.aclose()


async def test_who_answers_nobody_is_asked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis, "ANSWER_S", 0.3)
    async with server(silent) as met:
        await asked(tmp_path, met)
    assert met.count == 1


async def test_a_connection_that_breaks_is_made_again(tmp_path: Path) -> None:
    async with server(breaks) as met:
        await asked(tmp_path, met)
    assert met.count == 3
