"""Lanes: work in order within a key and in parallel across keys, by a fixed number of tasks and in bounded memory."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Lanes(Generic[Item]):
    """Holds at most `limit` items of together at most `limit_bytes`. Start `work` as often as lanes may run at once."""

    def __init__(self, do: Callable[[Item], Awaitable[None]], limit: int, limit_bytes: int) -> None:
        self._do = do
        self._limit = limit
        self._limit_bytes = limit_bytes
        self._items = 0
        self._bytes = 0
        self._lanes: dict[Hashable, deque[tuple[Item, int]]] = {}
        self._ready: asyncio.Queue[Hashable] = asyncio.Queue()
        self._idle = asyncio.Event()
        self._idle.set()

    def put(self, key: Hashable, item: Item, size: int) -> bool:
        """Queues an item of `size` bytes in its lane; False when there is no room."""
        if self._items >= self._limit or self._bytes + size > self._limit_bytes:
            return False
        self._items += 1
        self._bytes += size
        self._idle.clear()
        lane = self._lanes.get(key)
        if lane is None:
            self._lanes[key] = deque([(item, size)])
            self._ready.put_nowait(key)
        else:
            lane.append((item, size))
        return True

    async def work(self) -> None:
        """Does what is queued, until cancelled. An exception of `do` ends this task: let `do` handle its own."""
        while True:
            key = await self._ready.get()
            item, size = self._lanes[key][0]
            try:
                await self._do(item)
            finally:
                self._done(key, size)

    async def idle(self) -> None:
        """Waits until nothing is queued or being done."""
        await self._idle.wait()

    def _done(self, key: Hashable, size: int) -> None:
        lane = self._lanes[key]
        lane.popleft()
        self._items -= 1
        self._bytes -= size
        if lane:
            self._ready.put_nowait(key)
        else:
            del self._lanes[key]
        if not self._items:
            self._idle.set()
