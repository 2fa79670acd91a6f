"""Standing, choice and number of workers: the rules, one by one."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.workers import (
    KEPT_S,
    MAX_WORKERS,
    MEMORY_BYTES,
    MIN_WORKERS,
    Candidate,
    Demand,
    Figures,
    Standing,
    choose,
    kept_places,
    most_begun,
    standing,
    wanted_workers,
)

OTHERS = (Figures("a", 100.0, 0.0, 50), Figures("b", 120.0, 0.1, 50))
IDLE = Demand(queued=0, oldest_wait_s=0.0, busy=0, places=16, workers=2)


@pytest.mark.parametrize(
    ("figures", "expected"),
    [
        (Figures("c", 100.0, 0.0, 50), Standing.HEALTHY),
        (Figures("c", 600.0, 0.0, 50), Standing.HEALTHY),  # five times slower, and yet quick
        (Figures("c", 700.0, 0.0, 50), Standing.DEGRADED),
        (Figures("c", 100.0, 0.7, 50), Standing.DEGRADED),
        (Figures("c", 100.0, 0.7, 3), Standing.HEALTHY),  # three turns say nothing
        (Figures("c", 100.0, 0.0, 50, MEMORY_BYTES + 1), Standing.DEGRADED),
        (Figures("c", 900.0, 0.9, 50, draining=True), Standing.DRAINING),
    ],
)
def test_standing(figures: Figures, expected: Standing) -> None:
    assert standing(figures, OTHERS) is expected


def test_a_worker_alone_is_compared_with_nobody() -> None:
    assert standing(Figures("a", 9000.0, 1.0, 100), ()) is Standing.HEALTHY


def test_all_equally_slow_or_failing_is_not_the_workers_fault() -> None:
    slow = tuple(replace(one, mean_latency_ms=9000.0, failed_share=1.0) for one in OTHERS)
    assert standing(Figures("c", 9000.0, 1.0, 50), slow) is Standing.HEALTHY


def test_the_least_loaded_is_chosen() -> None:
    assert choose([Candidate("a", Standing.HEALTHY, 0.5), Candidate("b", Standing.HEALTHY, 0.25)], 0.5) == "b"


def test_of_equally_loaded_ones_a_high_score_gets_the_faster() -> None:
    pair = [Candidate("a", Standing.HEALTHY, 0.5, 400.0), Candidate("b", Standing.HEALTHY, 0.5, 100.0)]
    assert choose(pair, 0.9) == "b"
    assert choose(pair, 0.0) == "a"  # no score: by name


def test_a_high_score_outweighs_a_little_load() -> None:
    pair = [Candidate("a", Standing.HEALTHY, 0.4, 400.0), Candidate("b", Standing.HEALTHY, 0.6, 100.0)]
    assert choose(pair, 0.9) == "b"
    assert choose(pair, 0.1) == "a"


def test_degraded_is_taken_only_when_no_healthy_one_is_free() -> None:
    bad = Candidate("a", Standing.DEGRADED, 0.0)
    assert choose([bad, Candidate("b", Standing.HEALTHY, 0.9)], 0.5) == "b"
    assert choose([bad], 0.5) == "a"


@pytest.mark.parametrize("status", [Standing.DRAINING, Standing.UNAVAILABLE])
def test_others_are_never_taken(status: Standing) -> None:
    assert choose([Candidate("a", status, 0.0)], 0.5) is None


@pytest.mark.parametrize(
    ("demand", "wanted"),
    [
        (IDLE, 1),
        (replace(IDLE, busy=16), 3),  # 16 busy of 6.4 useful places each
        (replace(IDLE, busy=16, queued=64), 5),
        (replace(IDLE, busy=2, queued=1, oldest_wait_s=6.0), 3),  # something is stuck: one more than now
        (Demand(queued=10_000, oldest_wait_s=60.0, busy=80, places=80, workers=10), 10),
        (Demand(queued=3, oldest_wait_s=1.0, busy=0, places=0, workers=0), 1),
    ],
)
def test_wanted_workers(demand: Demand, wanted: int) -> None:
    assert wanted_workers(demand) == wanted


@given(st.integers(0, 10**6), st.floats(0, 10**6), st.integers(0, 10**4), st.integers(0, 10**4), st.integers(0, 100))
def test_wanted_stays_in_bounds_and_grows_with_the_queue(
    queued: int, wait: float, busy: int, places: int, workers: int
) -> None:
    demand = Demand(queued, wait, busy, places, workers)
    assert MIN_WORKERS <= wanted_workers(demand) <= MAX_WORKERS
    assert wanted_workers(replace(demand, queued=queued + 8)) >= wanted_workers(demand)


def test_begun_is_what_runs_and_a_few_behind_it() -> None:
    assert most_begun(8) == 16
    assert most_begun(0) == math.inf, "where no worker is, nothing is held up for one"


@pytest.mark.parametrize(("places", "kept"), [(0, 0), (4, 0), (7, 0), (8, 1), (15, 1), (16, 2), (80, 10)])
def test_one_place_in_eight_is_kept_for_high_priority(places: int, kept: int) -> None:
    assert kept_places(places, since_s=0.0, running=0) == kept
    assert kept_places(places, since_s=0.0, running=kept) == kept
    assert kept_places(places, since_s=0.0, running=places // 2) == 0, "they have enough"
    assert kept_places(places, since_s=0.0, running=places) == 0
    assert kept_places(places, since_s=KEPT_S, running=0) == 0, "where no such turn comes, nothing is kept"
