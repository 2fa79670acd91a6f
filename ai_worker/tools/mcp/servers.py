"""The MCP servers of one turn: each opened when first asked, asked only for what is pinned, ended with the turn."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ai_worker.tools.pin import Pin, Place
from ai_worker.tools.port import Given, Means, ToolChanged, ToolFailed
from aiox.kernel.canonical import Json
from aiox.kernel.mcp import SeenTool

if TYPE_CHECKING:
    from ai_worker.tools.mcp.session import Session
    from ai_worker.tools.mcp.streams import Streams

ENDING_S: Final = 5.0
_SDK: Final = tuple(f"ai_worker.tools.mcp.{name}" for name in ("session", "stdio", "http"))
STARTS: Final = 3
"""Of one server in one turn: one that ends again and again is left alone."""

Spawn = Callable[[str, Coroutine[Any, Any, None]], asyncio.Task[None]]
"""Runs a named short task: Supervisor.run_once."""


@dataclass(frozen=True, slots=True)
class Strangers:
    """What servers are met with. `code`: folders that those in the sandbox find under /code, by name."""

    means: Means
    spawn: Spawn
    code: Mapping[str, Path] = field(default_factory=dict)

    @asynccontextmanager
    async def of_turn(self) -> AsyncIterator[TurnServers]:
        """For one turn. At its end every server that was started is gone."""
        servers = TurnServers(self)
        try:
            yield servers
        finally:
            await servers.end()

    async def look(self, place: Place) -> tuple[SeenTool, ...]:
        """What a server offers, asked once. Raises ToolFailed."""
        await have_sdk()
        async with self.of_turn() as servers:
            return await servers.session(place).tools()

    def connect(self, place: Place) -> AbstractAsyncContextManager[Streams]:
        """A connection, once the SDK is there."""
        if place.server.transport == "stdio":
            from ai_worker.tools.mcp.stdio import in_sandbox

            return in_sandbox(self.means.sandbox, Place(place.server, "", (), tuple(self.code.items())))
        from ai_worker.tools.mcp.http import by_http

        return by_http(self.means.egress, place)


async def have_sdk() -> None:
    """Imports the SDK, which takes a second, and several on a busy machine: only who meets a server waits for it.

    In a thread of its own: a worker that says nothing for three seconds is taken for lost, with all its turns.
    """
    for name in _SDK:
        if name not in sys.modules:
            await asyncio.to_thread(import_module, name)


def is_pinned(pin: Pin, offered: Sequence[SeenTool]) -> bool:
    """Whether the server offers the tool, and as it was approved."""
    return any((one.name, one.digest) == (pin.tool, pin.digest) for one in offered)


class TurnServers:
    """One session a server."""

    def __init__(self, strangers: Strangers) -> None:
        self._strangers = strangers
        self._sessions: dict[str, Session] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._starts: dict[str, int] = {}

    async def run(self, arguments: Mapping[str, Json], given: Given) -> str:
        """Calls the granted tool once. Raises ToolChanged, before anything was called, and ToolFailed.

        A call that was cut off leaves nobody behind: its server is ended, and started anew when it is asked again.
        """
        pin = given.mcp
        if pin is None:
            raise ToolFailed("The hub named no MCP server for this call.")
        place = Place(pin.server, given.secret, given.terms.allowed_domains, tuple(self._strangers.code.items()))
        await have_sdk()
        session = self.session(place)
        try:
            if not is_pinned(pin, await session.tools()):
                raise ToolChanged("The tool is not what its owner has approved any more. It was not called.")
            return await session.call(pin.tool, dict(arguments))
        except asyncio.CancelledError:
            session.close()
            self._sessions.pop(place.server.name, None)
            raise

    def session(self, place: Place) -> Session:
        """The one with this server; a new one when it is over. Raises ToolFailed when that was so too often."""
        from ai_worker.tools.mcp.session import Session

        name = place.server.name
        known = self._sessions.get(name)
        if known is not None and not known.over:
            return known
        self._starts[name] = self._starts.get(name, 0) + 1
        if self._starts[name] > STARTS:
            raise ToolFailed(f"The MCP server {name} ended {STARTS} times in this turn. It is not started again.")
        session = self._sessions[name] = Session(place, self._strangers.connect)
        self._tasks.append(self._strangers.spawn(f"mcp {name}", session.live()))
        return session

    async def end(self) -> None:
        """Ends all sessions, and waits until they are gone."""
        for session in self._sessions.values():
            session.close()
        waiting: Sequence[asyncio.Task[None]] = [task for task in self._tasks if not task.done()]
        if waiting:
            _, late = await asyncio.wait(waiting, timeout=ENDING_S)
            for task in late:
                task.cancel()
