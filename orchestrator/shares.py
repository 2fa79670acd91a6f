"""Who should own how much. Pure: what the store says comes in, what to do goes out."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from aiox.kernel.ids import PARTITIONS


def fair_share(live: int) -> int:
    """How many partitions each of `live` orchestrators may hold: rounded up, so that none is left over."""
    return -(-PARTITIONS // max(1, live))


@dataclass(frozen=True, slots=True)
class Plan:
    """What an orchestrator does next. Maps are partition -> fencing token."""

    lost: frozenset[int]
    """Believed to be held, but somebody else's (or held anew under another token): stop at once."""
    found: Mapping[int, int]
    """Held by the store's word, not yet drained here: the answer that said so was lost."""
    surplus: tuple[int, ...]
    """Beyond the fair share: run their lanes empty, then release."""
    room: int
    """How many free partitions may be taken."""


def plan(believed: Mapping[int, int], leaving: Set[int], kept: Mapping[int, int], live: int) -> Plan:
    """Compares what this orchestrator believes to hold with what the store has just prolonged for it.

    `leaving` are those it is giving back already; `live` counts the orchestrators that were heard of lately.
    """
    lost = frozenset(number for number, fence in believed.items() if kept.get(number) != fence)
    found = {number: fence for number, fence in kept.items() if believed.get(number) != fence}
    staying = sorted(number for number in kept if number not in leaving)
    share = fair_share(live)
    return Plan(lost, found, tuple(staying[share:]), max(0, share - len(staying)))
