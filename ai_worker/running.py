"""The turns this worker is thinking about: bounded, cancellable, drained before the process stops."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any
from uuid import UUID

from aiox.runtime.supervisor import Supervisor

_LATENCIES = 100
_REMEMBERED_S = 60.0
"""A slow minute is forgotten: else a worker that gets no turns could never show that it is well again."""

Key = tuple[int, UUID, UUID]
"""Link, owner, request: a message of one owner never reaches another's turn."""


class Running:
    """Counts and holds turns. `capacity` is how many are thought about at a time."""

    def __init__(self, supervisor: Supervisor, capacity: int) -> None:
        self.capacity = capacity
        self.draining = False
        self._supervisor = supervisor
        self._turns: dict[Key, asyncio.Task[None]] = {}
        self._latencies: deque[tuple[float, float]] = deque(maxlen=_LATENCIES)

    @property
    def active(self) -> int:
        """Turns thought about now."""
        return len(self._turns)

    @property
    def full(self) -> bool:
        """Whether another turn must go elsewhere."""
        return self.draining or self.active >= self.capacity

    @property
    def status(self) -> str:
        """As it stands in beats: healthy, degraded (no free place) or draining."""
        if self.draining:
            return "draining"
        return "degraded" if self.full else "healthy"

    def mean_latency_ms(self, now: float) -> float:
        """Of the last hundred turns within a minute before `now` (monotonic seconds); 0 when there was none."""
        while self._latencies and self._latencies[0][0] < now - _REMEMBERED_S:
            self._latencies.popleft()
        latencies = [milliseconds for _, milliseconds in self._latencies]
        return sum(latencies) / len(latencies) if latencies else 0.0

    def took(self, milliseconds: float, now: float) -> None:
        """Notes how long a turn took that ended `now` (monotonic seconds)."""
        self._latencies.append((now, milliseconds))

    def knows(self, key: Key) -> bool:
        """Whether this turn is being thought about."""
        return key in self._turns

    def start(self, key: Key, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs a turn; the caller has seen that there is room and that the key is new."""
        task = self._supervisor.run_once(f"turn {key[2]}", work)
        self._turns[key] = task
        task.add_done_callback(lambda _: self._turns.pop(key, None))
        return task

    def cancel(self, key: Key) -> bool:
        """Gives one turn up; false when there is none of this key."""
        task = self._turns.get(key)
        return task is not None and task.cancel()

    def cancel_link(self, link: int) -> None:
        """Gives up what nobody waits for any more."""
        for key, task in list(self._turns.items()):
            if key[0] == link:
                task.cancel()

    async def drain(self, seconds: float) -> bool:
        """Takes nothing new and waits for what runs; true when all ended in time. What is late is cancelled."""
        self.draining = True
        tasks = list(self._turns.values())
        if not tasks:
            return True
        _, late = await asyncio.wait(tasks, timeout=seconds)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late, timeout=1.0)
        return not late
