"""A reader of event streams, spoken to an ASGI application directly: it sees each event as it is sent."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from gateway.guard import App, Message

SOON_S = 60.0


@dataclass(frozen=True)
class Event:
    name: str
    id: str
    data: Any


class Stream:
    """One open request."""

    def __init__(self) -> None:
        self.status = 0
        self.headers: dict[str, str] = {}
        self.beats = 0
        self.gone = asyncio.Event()
        self._text = ""
        self._news = asyncio.Event()
        self._ended = False

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {name.decode(): value.decode() for name, value in message["headers"]}
        else:
            self._text += message.get("body", b"").decode()
            self._ended = not message.get("more_body", False)
        self._news.set()

    async def started(self) -> int:
        async with asyncio.timeout(SOON_S):
            while not self.status:
                await self._wait()
        return self.status

    async def next(self) -> Event | None:
        """The next event; None once the stream has ended."""
        async with asyncio.timeout(SOON_S):
            while True:
                block, found, rest = self._text.partition("\n\n")
                if found:
                    self._text = rest
                    if block.startswith(":"):
                        self.beats += 1
                        continue
                    return _event(block)
                if self._ended:
                    return None
                await self._wait()

    async def rest(self) -> list[Event]:
        """All events until the end."""
        found = []
        while (one := await self.next()) is not None:
            found.append(one)
        return found

    async def _wait(self) -> None:
        self._news.clear()
        await self._news.wait()


def _event(block: str) -> Event:
    fields = dict(line.split(": ", 1) for line in block.split("\n"))
    return Event(fields.get("event", ""), fields.get("id", ""), json.loads(fields["data"]))


@asynccontextmanager
async def stream(
    app: App, method: str, path: str, headers: Mapping[str, str], body: Any = None
) -> AsyncIterator[Stream]:
    """Sends a request and reads its answer as it comes; leaving the block is hanging up."""
    given = {"host": "localhost", "accept": "text/event-stream", **headers}
    if body is not None:
        given["content-type"] = "application/json"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 1),
        "server": ("localhost", 80),
    }
    opened, asked = Stream(), asyncio.Event()

    async def receive() -> Message:
        if not asked.is_set():
            asked.set()
            return {"type": "http.request", "body": b"" if body is None else json.dumps(body).encode()}
        await opened.gone.wait()
        return {"type": "http.disconnect"}

    running = asyncio.ensure_future(app(scope, receive, opened.send))
    try:
        yield opened
    finally:
        opened.gone.set()
        async with asyncio.timeout(SOON_S):
            await running
