"""Conversation lanes: strict order within one, parallel across. An idle lane costs nothing: it is not there."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar

from aiox.runtime.supervisor import Supervisor

Item = TypeVar("Item")
Together = Callable[[Sequence[Item], Item], bool]
"""Whether an item may share a group with those that are in it."""
Restartable = Callable[["Group[Item]"], bool]
"""Whether a group that is being handled may still be restarted with one more item."""


class Group(Generic[Item]):
    """Items handled together, in order. `since` is when it was first handled, in seconds of the loop's clock."""

    def __init__(self, items: list[Item], since: float) -> None:
        self.items = items
        self.since = since
        self.sealed = False
        self.task: asyncio.Task[None] | None = None
        self.again: Callable[[Item], Item] | None = None
        """Set when the group was freed: what becomes of its items, which are handled again."""
        self._scope: asyncio.Timeout | None = None

    @contextmanager
    def noticing(self, scope: asyncio.Timeout) -> Iterator[None]:
        """Within it, a joining item makes `scope` expire at once; the caller starts again."""
        self._scope = scope
        try:
            yield
        finally:
            self._scope = None

    def seal(self) -> None:
        """Something is shown or done: from here on what comes belongs to the next turn."""
        self.sealed = True

    def join(self, item: Item) -> bool:
        """Adds an item and has the handling restarted; False when there is nothing to restart."""
        if self._scope is None or self.sealed:
            return False
        self.items.append(item)
        self._scope.reschedule(asyncio.get_running_loop().time())
        self._scope = None
        return True


class Lanes(Generic[Item]):
    """Hands groups of items to `handle`, one at a time per key, in the order they were put.

    `handle` must not raise: it is the boundary where a turn's failure ends. At most `limit` items are open at once.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        handle: Callable[[Group[Item]], Awaitable[None]],
        limit: int,
        together: Together[Item] = lambda _group, _item: False,
        restartable: Restartable[Item] = lambda _group: False,
    ) -> None:
        self._supervisor = supervisor
        self._handle = handle
        self._limit = limit
        self._together = together
        self._restartable = restartable
        self._waiting: dict[Hashable, deque[Item]] = {}
        self._current: dict[Hashable, Group[Item]] = {}
        self._open = 0
        self._ended = 0
        self._room = asyncio.Event()
        self._room.set()

    @property
    def open(self) -> int:
        """Items put and not yet handled."""
        return self._open

    @property
    def ended(self) -> int:
        """Items handled since the start."""
        return self._ended

    def restartable(self) -> int:
        """How many groups one item more would still restart."""
        return sum(self._restartable(group) for group in self._current.values())

    def handled_since(self, before: float) -> list[Group[Item]]:
        """The groups in handling that were first handled before a time, in seconds of the loop's clock."""
        return [group for group in self._current.values() if group.since < before]

    def ahead(self, key: Hashable) -> list[Item]:
        """The items of a lane that are in handling or wait, in order: what is put now comes behind them."""
        group = self._current.get(key)
        return [*(group.items if group is not None else ()), *self._waiting.get(key, ())]

    def free(self, group: Group[Item], again: Callable[[Item], Item]) -> None:
        """Cancels the handling of a group. Its items come first in their lane, so the order holds, each for itself."""
        if group.task is not None and group in self._current.values():
            group.again = again
            group.task.cancel()

    async def put(self, key: Hashable, item: Item) -> None:
        """Adds an item to its lane; waits while too many are open."""
        while self._open >= self._limit:
            self._room.clear()
            await self._room.wait()
        self._open += 1
        waiting = self._waiting.get(key)
        if waiting is None:
            self._waiting[key] = deque([item])
            self._supervisor.run_once("lane", self._walk(key))
        elif waiting or not self._joins(key, item):
            waiting.append(item)

    def _joins(self, key: Hashable, item: Item) -> bool:
        group = self._current.get(key)
        return group is not None and self._restartable(group) and self._together(group.items, item) and group.join(item)

    async def _walk(self, key: Hashable) -> None:
        waiting = self._waiting[key]
        while waiting:
            group = Group([waiting.popleft()], asyncio.get_running_loop().time())
            while waiting and self._together(group.items, waiting[0]):
                group.items.append(waiting.popleft())
            group.task = asyncio.current_task()
            self._current[key] = group
            try:
                await self._handle(group)
            except asyncio.CancelledError:
                if group.again is None or group.task is None:
                    raise
                group.task.uncancel()
                waiting.extendleft(group.again(item) for item in reversed(group.items))
                group.items.clear()
            finally:
                del self._current[key]
                self._open -= len(group.items)
                self._ended += len(group.items)
                self._room.set()
        del self._waiting[key]
