"""So many turns at a time are with the registry, those of agents of high priority first (SPEC 4).

When a burst comes, what each turn asks of PostgreSQL takes the longer the more ask: in a queue of the hub's own the
turns of high priority need not wait for the rest. An agent of priority p (0..1) is as far ahead as one that came
AHEAD_S * p earlier, so that nobody waits for ever.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections import OrderedDict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

PLACES: Final = 4
"""Half of the connections of a pool: the rest is for what ends turns."""
AHEAD_S: Final = 2.0
USUAL: Final = 0.5
"""The priority of an agent of which nothing is known yet."""
REMEMBERED: Final = 50_000


@dataclass(order=True, slots=True)
class _Waiting:
    due: float
    number: int
    let_in: asyncio.Future[None] = field(compare=False)


class Turnstile:
    """One of an orchestrator. Not shared between event loops."""

    def __init__(self, places: int = PLACES) -> None:
        self._free = places
        self._waiting: list[_Waiting] = []
        self._numbers = itertools.count()
        self._priority: OrderedDict[UUID, float] = OrderedDict()

    def learn(self, agent: UUID, priority: float) -> None:
        """What an agent's owner gave it, for its next turns."""
        self._priority[agent] = priority
        self._priority.move_to_end(agent)
        if len(self._priority) > REMEMBERED:
            self._priority.popitem(last=False)

    @asynccontextmanager
    async def passed(self, agent: UUID) -> AsyncIterator[None]:
        """Within it the caller has a place."""
        await self._enter(agent)
        try:
            yield
        finally:
            self._leave()

    async def _enter(self, agent: UUID) -> None:
        if self._free and not self._waiting:
            self._free -= 1
            return
        loop = asyncio.get_running_loop()
        due = loop.time() - AHEAD_S * self._priority.get(agent, USUAL)
        waiting = _Waiting(due, next(self._numbers), loop.create_future())
        heapq.heappush(self._waiting, waiting)
        try:
            await waiting.let_in
        except asyncio.CancelledError:
            if waiting.let_in.done() and not waiting.let_in.cancelled():
                self._leave()
            raise

    def _leave(self) -> None:
        """The place goes to who is due first."""
        while self._waiting:
            first = heapq.heappop(self._waiting)
            if not first.let_in.done():
                first.let_in.set_result(None)
                return
        self._free += 1
