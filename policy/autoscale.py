"""How many workers to ask for, from how many would do: up at once, down only after it has been quiet. Pure.

up       what would do now is more than was asked for: asked for at once.
down     for `cool_s` never more than some smaller number would have done: that number, the largest of that time.
again    what was asked for has not come, or has gone, for `settle_s`: the same is asked for once more.
Always within the bounds. Times in seconds on any clock that does not go back.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final

COOL_S: Final = 120.0
SETTLE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Bounds:
    """At least and at most so many workers. Raises ValueError for an empty range or less than one."""

    least: int = 3
    most: int = 10

    def __post_init__(self) -> None:
        if not 1 <= self.least <= self.most:
            raise ValueError(f"from {self.least} to {self.most} workers is no range")

    def hold(self, count: int) -> int:
        """The nearest number within."""
        return min(self.most, max(self.least, count))


@dataclass(slots=True)
class Scaler:
    """What was asked for, and what would have done lately. One per hub."""

    bounds: Bounds
    cool_s: float = COOL_S
    settle_s: float = SETTLE_S
    asked: int | None = None
    """None before the first decision: then what runs counts."""
    _changed: float = 0.0
    _begun: float | None = None
    _lately: deque[tuple[float, int]] = field(default_factory=deque)

    def decide(self, now: float, wanted: int, running: int) -> int | None:
        """How many to ask for now; None when nothing is to be done."""
        wanted = self.bounds.hold(wanted)
        self._remember(now, wanted)
        there = self.asked if self.asked is not None else running
        target = self._target(now, wanted, there)
        missing = running != target and now - self._changed >= self.settle_s
        if target == there and self.asked is not None and not missing:
            return None
        if target == running and self.asked is None:
            self.asked = target
            self._changed = now
            return None
        self.asked = target
        self._changed = now
        return target

    def failed(self) -> None:
        """The last question was not heard: it is asked again at the next decision."""
        self.asked = None

    def _target(self, now: float, wanted: int, there: int) -> int:
        held = self.bounds.hold(there)
        if wanted > held:
            return wanted
        quiet = self._begun is not None and now - self._begun >= self.cool_s
        return max(count for _, count in self._lately) if quiet else held

    def _remember(self, now: float, wanted: int) -> None:
        if self._begun is None:
            self._begun = now
        self._lately.append((now, wanted))
        while len(self._lately) > 1 and self._lately[0][0] <= now - self.cool_s:
            self._lately.popleft()
