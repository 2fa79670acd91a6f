"""Which messages are let in while more come than can be answered (SPEC 4: bounded queues, nobody starves). Pure.

The queue may hold what can be answered in PATIENCE_S, and at least PLACES_DEEP turns for each place of a worker; while
nothing is known of how much that is, FIRST turns. Beyond that a message is refused with an error that its sender may
retry on, before anything was promised:

    let in   when  waiting < limit * (1 + priority + REFUSED_BONUS * times refused before, 4 at most)

priority is the owner's weight of the agent (0..1), as the door has seen it in an answer of this conversation; 0 before
the first. So an agent of high priority finds room when others do not, and who was refused comes before who was not.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

PATIENCE_S: Final = 1.0
PLACES_DEEP: Final = 4
FIRST: Final = 512.0
REFUSED_BONUS: Final = 0.25
REFUSALS_COUNTED: Final = 4


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
    return waiting < limit * (1 + priority + REFUSED_BONUS * min(refused, REFUSALS_COUNTED))


def rate(before: float, ended: int, seconds: float, scarce: bool) -> float:
    """Turns a second after `seconds` more in which so many ended; counts only while places are scarce."""
    if not scarce or seconds <= 0:
        return before
    now = ended / seconds
    return now if before == 0 else before + min(1.0, seconds) * (now - before)
