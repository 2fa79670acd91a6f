"""How often a part may die, and how long to wait before it is started again. Pure: instants are arguments."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field


@dataclass(slots=True)
class Deaths:
    """The deaths of one part that still count. Times in seconds.

    The first start follows after `first_s`; the wait doubles with each death within `within_s`, up to `longest_s`. More
    than `most` deaths within `within_s` are too many.
    """

    first_s: float = 0.2
    longest_s: float = 5.0
    most: int = 10
    within_s: float = 60.0
    _times: deque[float] = field(default_factory=deque)

    def next_wait(self, now: float) -> float | None:
        """Counts a death at `now`; returns the wait before the next start, or None when it was one too many."""
        self._times.append(now)
        while self._times[0] < now - self.within_s:
            self._times.popleft()
        if len(self._times) > self.most:
            return None
        return min(self.first_s * 2.0 ** (len(self._times) - 1), self.longest_s)
