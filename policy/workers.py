"""Which worker takes a turn, and how many workers are wanted. Pure; the pool applies it (SPEC 7, DESIGN 2).

degraded   a worker that is much slower than the others, fails much more often, or holds too much memory:
           mean latency  > 3 * median of the other workers' means, and at least 500 ms above it
           error share   > median of the others' shares + 0.5, over at least 10 turns
           memory        > MEMORY_BYTES
           Taken only when no healthy worker of the pool has a free place.
choice     the smallest  load + S * slowness  among those with a free place; S is the turn's score, load the share of
           the worker's places in use (0..1), slowness 1 - fastest mean / own mean (0..1). So the least loaded is
           chosen, and of equally loaded ones a turn of high score gets the faster. Ties: by name.
kept       one in KEPT_ONE_IN of a pool's places is for turns of agents of high priority (a weight of HIGH_PRIORITY and
           more), for KEPT_S after the last of them came: it need not wait until another turn ends. None is kept while
           such turns of this orchestrator run on half of the places: then they stand in the queue like all others,
           and nobody starves.
begun      each orchestrator has begun BEGUN turns for each of a pool's places: they are prepared or run. What comes on
           top of them waits before anything is done for it (orchestrator/backlog.py). Those of high priority are not
           counted.
wanted     ceil((busy + queued / PATIENCE_TURNS) / (places of one worker * 0.8)), where PATIENCE_TURNS = 4 is how many
           turns may stand behind each place; one more than there are when the oldest waits longer than 5 s;
           always within 1..10.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from statistics import median
from typing import Final

SLOWER: Final = 3.0
SLOWER_BY_MS: Final = 500.0
FAILS_MORE: Final = 0.5
ENOUGH_TURNS: Final = 10
MEMORY_BYTES: Final = 2 << 30
MIN_WORKERS: Final = 1
MAX_WORKERS: Final = 10
PATIENCE_TURNS: Final = 4
PATIENCE_S: Final = 5.0
FULL_SHARE: Final = 0.8
HIGH_PRIORITY: Final = 0.75
KEPT_ONE_IN: Final = 8
KEPT_S: Final = 60.0
BEGUN: Final = 2


class Standing(StrEnum):
    """The hub's judgement of a worker; the values stand in `ai_workers.status`."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    DRAINING = "draining"
    UNAVAILABLE = "unavailable"


@dataclass(frozen=True, slots=True)
class Figures:
    """What is known of a worker that answers."""

    worker_id: str
    mean_latency_ms: float = 0.0
    """Of its last turns; 0 before the first."""
    failed_share: float = 0.0
    """Of its turns that were lost or ended in an error of the hub's own, 0..1, decayed."""
    turns: int = 0
    memory_bytes: int = 0
    draining: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A worker with a free place. `load` is the share of its places in use, 0..1."""

    worker_id: str
    standing: Standing
    load: float
    mean_latency_ms: float = 0.0


def standing(of: Figures, others: Sequence[Figures]) -> Standing:
    """How a worker that answers stands, compared with the others of its pool."""
    if of.draining:
        return Standing.DRAINING
    if of.memory_bytes > MEMORY_BYTES or _slow(of, others) or _failing(of, others):
        return Standing.DEGRADED
    return Standing.HEALTHY


def _slow(of: Figures, others: Sequence[Figures]) -> bool:
    means = [other.mean_latency_ms for other in others if other.mean_latency_ms > 0]
    if not means:
        return False
    usual = median(means)
    return of.mean_latency_ms > max(SLOWER * usual, usual + SLOWER_BY_MS)


def _failing(of: Figures, others: Sequence[Figures]) -> bool:
    if of.turns < ENOUGH_TURNS or not others:
        return False
    return of.failed_share > median(other.failed_share for other in others) + FAILS_MORE


def choose(candidates: Sequence[Candidate], points: float) -> str | None:
    """The worker that takes a turn of score `points`; None when there is no candidate."""
    healthy = [one for one in candidates if one.standing is Standing.HEALTHY]
    eligible = healthy or [one for one in candidates if one.standing is Standing.DEGRADED]
    if not eligible:
        return None
    means = [one.mean_latency_ms for one in eligible if one.mean_latency_ms > 0]
    fastest = min(means, default=0.0)

    def cost(one: Candidate) -> tuple[float, str]:
        slowness = 1 - fastest / one.mean_latency_ms if one.mean_latency_ms > 0 else 0.0
        return one.load + points * slowness, one.worker_id

    return min(eligible, key=cost).worker_id


def kept_places(places: int, since_s: float, running: int) -> int:
    """How many of a pool's free places are for turns of high priority, so many seconds after the last of them came."""
    kept = places // KEPT_ONE_IN if since_s < KEPT_S else 0
    return max(0, min(kept, places // 2 - running))


def most_begun(places: int) -> float:
    """How many turns of a pool may be prepared or run at a time; any number where no worker is."""
    return BEGUN * places if places else math.inf


@dataclass(frozen=True, slots=True)
class Demand:
    """What the queue of a pool looks like at one moment."""

    queued: int
    """Turns that wait for a place."""
    oldest_wait_s: float
    busy: int
    """Places in use."""
    places: int
    """Places of all workers that answer."""
    workers: int
    """How many answer."""


def wanted_workers(demand: Demand) -> int:
    """How many workers would carry this demand, 1..10."""
    each = max(1.0, demand.places / demand.workers) if demand.workers else 8.0
    wanted = math.ceil((demand.busy + demand.queued / PATIENCE_TURNS) / (each * FULL_SHARE))
    if demand.queued and demand.oldest_wait_s > PATIENCE_S:
        wanted = max(wanted, demand.workers + 1)
    return min(MAX_WORKERS, max(MIN_WORKERS, wanted))
