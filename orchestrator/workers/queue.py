"""Turns that wait for a place of one pool: the best key first, and apart those of high priority."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Iterator
from dataclasses import dataclass

from orchestrator.workers.member import Member

Key = tuple[float, int]
"""What the queue sorts by (policy.scoring.order_key): when a turn is due, then admission order."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a turn brings to the queue, the same each time it goes there."""

    key: Key
    points: float
    """Its score."""
    high: bool = False
    """Of an agent of high priority (policy.workers)."""


@dataclass(slots=True)
class Waiting:
    """A turn in the queue. `place` is given a worker whose place is counted already."""

    claim: Claim
    order: int
    since: float
    """Seconds of the pool's clock."""
    place: asyncio.Future[Member]

    def __lt__(self, other: Waiting) -> bool:
        return (self.claim.key, self.order) < (other.claim.key, other.order)


class Queue:
    """One of a pool. What was given up is forgotten when its turn comes."""

    def __init__(self) -> None:
        self._usual: list[Waiting] = []
        self._high: list[Waiting] = []
        self.high_at: float | None = None
        """When the last turn of high priority came, in seconds of the pool's clock."""
        self.high_running = 0
        """Turns of high priority that have a place."""

    def __len__(self) -> int:
        return len(self._usual) + len(self._high)

    def __iter__(self) -> Iterator[Waiting]:
        """Those that wait, in no order."""
        return (turn for heap in (self._usual, self._high) for turn in heap if not turn.place.done())

    def put(self, turn: Waiting) -> None:
        """Adds one."""
        if turn.claim.high:
            self.high_at = max(turn.since, self.high_at or turn.since)
        heapq.heappush(self._high if turn.claim.high else self._usual, turn)

    def take(self, *, high_only: bool) -> Waiting | None:
        """The one that is next, of those of high priority if nobody else may; it waits no longer."""
        heaps = [heap for heap in (self._high, *(() if high_only else (self._usual,))) if _first(heap) is not None]
        return heapq.heappop(min(heaps, key=lambda heap: heap[0])) if heaps else None


def _first(heap: list[Waiting]) -> Waiting | None:
    while heap and heap[0].place.done():
        heapq.heappop(heap)
    return heap[0] if heap else None
