"""So many at a time, who is due first before the others; nobody waits for ever, for what is due grows with the time."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

AHEAD_S: Final = 2.0


def due_now(priority: float) -> float:
    """For one of priority 0..1 that comes now: as far ahead as one that came AHEAD_S * priority earlier."""
    return asyncio.get_running_loop().time() - AHEAD_S * priority


@dataclass(order=True, slots=True)
class _Waiting:
    due: float
    number: int
    since: float = field(compare=False)
    let_in: asyncio.Future[None] = field(compare=False)


class Turnstile:
    """`places` says how many may be in; it may change. Not shared between event loops."""

    def __init__(self, places: Callable[[], float]) -> None:
        self._places = places
        self._inside = 0
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()

    def waits(self) -> Iterator[float]:
        """For how many seconds each of those that wait has waited, in no order."""
        now = asyncio.get_running_loop().time()
        return (now - waiting.since for waiting in self._waiting if not waiting.let_in.done())

    @asynccontextmanager
    async def passed(self, due: float, patience_s: float | None = None) -> AsyncIterator[None]:
        """Within it the caller is in, after `patience_s` also when all places are taken.

        `due` is in seconds of any clock, the same for all.
        """
        try:
            async with asyncio.timeout(patience_s):
                await self._enter(due)
        except TimeoutError:
            self._inside += 1
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, due: float) -> None:
        if not self._waiting and self._inside < self._places():
            self._inside += 1
            return
        loop = asyncio.get_running_loop()
        waiting = _Waiting(due, next(self._numbers), loop.time(), loop.create_future())
        heapq.heappush(self._waiting, waiting)
        self._let_in()
        try:
            await waiting.let_in
        except asyncio.CancelledError:
            if waiting.let_in.done() and not waiting.let_in.cancelled():
                self._leave()
            elif waiting in self._waiting:
                self._waiting.remove(waiting)
                heapq.heapify(self._waiting)
            raise

    def _leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        """A free place goes to who is due first."""
        while self._waiting and self._inside < self._places():
            first = heapq.heappop(self._waiting)
            if not first.let_in.done():
                first.let_in.set_result(None)
                self._inside += 1
