"""Which messages are let in while more come than can be answered (SPEC 4: bounded queues, nobody starves). Pure.

The queue may hold what can be answered in PATIENCE_S, and at least PLACES_DEEP turns for each place of a worker; while
nothing is known of how much that is, FIRST turns. Beyond that a message is refused with an error that its sender may
retry on, before anything was promised:

    let in   when  waiting < limit * (1 + 2 priority + REFUSED_BONUS * times refused before, 4 at most)
                              or waiting < FIRST * priority

priority is the owner's weight of the agent (0..1), as the door has seen it in an answer of this conversation; 1 before
the first, which is asked once. So an agent of high priority finds room when others do not, even those that were refused
before; and of equals who was refused comes before who was not. Somebody of another hub who was never answered has half
of the limit and no more: many of them, invented or not, leave room for the hub's own people.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

PATIENCE_S: Final = 1.0
SURE_S: Final = 1.0
PLACES_DEEP: Final = 4
FIRST: Final = 256.0
REFUSED_BONUS: Final = 0.125
REFUSALS_COUNTED: Final = 4
FOREIGN_SHARE: Final = 0.5
"""Of the limit, for people of other hubs who were never answered."""


@dataclass(frozen=True, slots=True)
class Load:
    """What one orchestrator said: turns taken and not ended, places of all workers, turns ended in a second."""

    waiting: int
    places: int
    per_second: float


def limit_of(loads: Collection[Load]) -> float:
    """How many turns may wait, of all orchestrators together. Infinite while nobody has said anything."""
    if not loads:
        return float("inf")
    per_second = sum(load.per_second for load in loads)
    if not per_second:
        return FIRST
    places = max(load.places for load in loads)  # each sees all workers
    return max(PATIENCE_S * per_second, float(PLACES_DEEP * places))


def lets_in(waiting: float, limit: float, priority: float, refused: int) -> bool:
    """Whether a message of this priority, refused so often before, is let in."""
    room = limit * (1 + 2 * priority + REFUSED_BONUS * min(refused, REFUSALS_COUNTED))
    return waiting < max(room, FIRST * priority)


def lets_in_foreign(waiting: float, limit: float) -> bool:
    """Whether a message is let in of somebody of another hub who was never answered."""
    return waiting < FOREIGN_SHARE * limit


@dataclass(frozen=True, slots=True)
class Pace:
    """What is known of how much is answered: turns a second, and for how many seconds without a break that was seen.

    Only while places are scarce is it what can be answered, and not just what came; a time in which they were not makes
    everything before unknown again.
    """

    per_second: float = 0.0
    seen_s: float = 0.0

    def after(self, ended: int, seconds: float, scarce: bool) -> Pace:
        """The pace after `seconds` more in which so many turns ended."""
        if not scarce:
            return Pace()
        if seconds <= 0:
            return self
        now, weight = ended / seconds, seconds / (self.seen_s + seconds)
        per_second = self.per_second + max(weight, min(1.0, seconds)) * (now - self.per_second)
        return Pace(per_second, self.seen_s + seconds)

    @property
    def sure(self) -> float:
        """Turns a second, 0 until it was seen for SURE_S: the first answers of a burst say little."""
        return self.per_second if self.seen_s >= SURE_S else 0.0
