"""Conversation lanes: strict order within one, parallel across. An idle lane costs nothing: it is not there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from aiox.runtime.supervisor import Supervisor

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """Hands items to `handle`, one at a time per key, in the order they were put.

    `handle` must not raise: it is the boundary where a turn's failure ends. At most `limit` items are open at once.
    """

    def __init__(self, supervisor: Supervisor, handle: Callable[[Item], Awaitable[None]], limit: int) -> None:
        self._supervisor = supervisor
        self._handle = handle
        self._limit = limit
        self._lanes: dict[Hashable, deque[Item]] = {}
        self._open = 0
        self._room = asyncio.Event()
        self._room.set()

    @property
    def open(self) -> int:
        """Items put and not yet handled."""
        return self._open

    async def put(self, key: Hashable, item: Item) -> None:
        """Adds an item to its lane; waits while too many are open."""
        while self._open >= self._limit:
            self._room.clear()
            await self._room.wait()
        self._open += 1
        lane = self._lanes.get(key)
        if lane is not None:
            lane.append(item)
            return
        self._lanes[key] = deque([item])
        self._supervisor.run_once("lane", self._walk(key))

    async def _walk(self, key: Hashable) -> None:
        lane = self._lanes[key]
        while lane:
            try:
                await self._handle(lane[0])
            finally:
                lane.popleft()
                self._open -= 1
                self._room.set()
        del self._lanes[key]
