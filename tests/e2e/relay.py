"""A TCP relay on the way to a server: it can stop, go slowly, and lose what it holds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

PIECE = 16_384
SLOW_PIECE = 256


class Relay:
    """Hands on what comes in at one address to another, both ways, byte by byte as it is."""

    def __init__(self, address: str, target: str, port: int) -> None:
        self.address = address
        self._target = target
        self._port = port
        self._flows = asyncio.Event()
        self._flows.set()
        self._open: set[asyncio.StreamWriter] = set()
        self._bytes_per_second = 0.0
        self.carried = 0

    def hinder(self, bytes_per_second: float = 0.0) -> None:
        """From now on so little goes through each connection in one direction, or nothing: nobody is told, and new
        connections are taken, and hear nothing.
        """
        self._bytes_per_second = bytes_per_second
        if not bytes_per_second:
            self._flows.clear()

    def go_on(self, *, cut: bool = False) -> None:
        """All goes on. `cut`: every connection ends instead, and what was on its way is gone."""
        for one in list(self._open) if cut else ():
            one.transport.abort()
        self._bytes_per_second = 0.0
        self._flows.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, to its end."""
        self._open.add(writer)
        with suppress(OSError):
            try:
                await self._flows.wait()
                further, other = await asyncio.open_connection(self._target, self._port)
                self._open.add(other)
                try:
                    await self._both_ways((reader, other), (further, writer))
                finally:
                    self._open.discard(other)
                    other.transport.abort()
            finally:
                self._open.discard(writer)
                writer.transport.abort()

    async def _both_ways(self, *ways: tuple[asyncio.StreamReader, asyncio.StreamWriter]) -> None:
        pumps = [asyncio.create_task(self._pump(*way)) for way in ways]
        try:
            await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for pump in pumps:
                pump.cancel()
            await asyncio.gather(*pumps, return_exceptions=True)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE if not self._bytes_per_second else SLOW_PIECE):
                await self._flows.wait()
                if self._bytes_per_second:
                    await asyncio.sleep(len(piece) / self._bytes_per_second)
                writer.write(piece)
                self.carried += len(piece)
                await writer.drain()


@asynccontextmanager
async def relay(address: str, target: str, port: int) -> AsyncIterator[Relay]:
    """One that runs; the same port at both addresses."""
    made = Relay(address, target, port)
    server = await asyncio.start_server(made.serve, address, port)
    try:
        yield made
    finally:
        made.go_on(cut=True)
        server.close()
        await server.wait_closed()
