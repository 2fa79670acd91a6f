"""So many at a time, those of high priority first (SPEC 4).

Who has priority p (0..1) is as far ahead as one that came AHEAD_S * p earlier, so that nobody waits for ever.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

AHEAD_S: Final = 2.0
USUAL: Final = 0.5
"""The priority of an agent of which nothing is known yet."""


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
    async def passed(self, priority: float = USUAL, patience_s: float | None = None) -> AsyncIterator[None]:
        """Within it the caller is in. After `patience_s` it goes in though all places are taken."""
        try:
            async with asyncio.timeout(patience_s):
                await self._enter(priority)
        except TimeoutError:
            self._inside += 1
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, priority: float) -> None:
        if not self._waiting and self._inside < self._places():
            self._inside += 1
            return
        loop = asyncio.get_running_loop()
        now = loop.time()
        waiting = _Waiting(now - AHEAD_S * priority, next(self._numbers), now, loop.create_future())
        heapq.heappush(self._waiting, waiting)
        self._let_in()
        try:
            await waiting.let_in
        except asyncio.CancelledError:
            if waiting.let_in.done() and not waiting.let_in.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        self._inside -= 1
        self._let_in()

    def _let_in(self) -> None:
        """A free place goes to who is due first; who has given up is forgotten."""
        while self._waiting and self._inside < self._places():
            first = heapq.heappop(self._waiting)
            if not first.let_in.done():
                first.let_in.set_result(None)
                self._inside += 1
