"""How many workers are asked for, over time."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.autoscale import Bounds, Scaler


def scaler(cool_s: float = 60.0, settle_s: float = 30.0) -> Scaler:
    return Scaler(Bounds(3, 10), cool_s=cool_s, settle_s=settle_s)


def test_what_runs_and_would_do_is_left_alone() -> None:
    of = scaler()
    assert [of.decide(now, 3, 3) for now in range(0, 600, 2)] == [None] * 300


def test_up_at_once_and_asked_for_once() -> None:
    of = scaler()
    assert of.decide(0, 3, 3) is None
    assert of.decide(2, 7, 3) == 7
    assert of.decide(4, 7, 3) is None, "they need a moment to come"
    assert of.decide(6, 9, 5) == 9


def test_down_only_after_it_was_quiet_for_long_and_then_to_the_most_of_that_time() -> None:
    of = scaler(cool_s=60, settle_s=1000)
    assert of.decide(0, 8, 3) == 8
    said = {now: of.decide(now, 5 if now == 30 else 1, 8) for now in range(2, 130, 2)}
    assert {now: count for now, count in said.items() if count is not None} == {60: 5, 90: 3}


def test_one_peak_within_the_time_keeps_them() -> None:
    of = scaler(cool_s=60)
    of.decide(0, 8, 3)
    assert [of.decide(now, 8 if now % 50 == 0 else 1, 8) for now in range(10, 600, 10)] == [None] * 59


def test_what_did_not_come_is_asked_for_again() -> None:
    of = scaler(settle_s=30)
    assert of.decide(0, 6, 3) == 6
    assert [of.decide(now, 6, 4) for now in (10, 20, 29)] == [None] * 3
    assert of.decide(30, 6, 4) == 6
    assert of.decide(40, 6, 6) is None


def test_a_question_that_failed_is_asked_again_at_once() -> None:
    of = scaler()
    assert of.decide(0, 6, 3) == 6
    of.failed()
    assert of.decide(2, 6, 3) == 6


def test_none_heard_of_yet_means_the_least() -> None:
    assert scaler().decide(0, 1, 0) == 3


@pytest.mark.parametrize(("least", "most"), [(0, 3), (4, 3), (-1, -1)])
def test_a_range_that_is_none(least: int, most: int) -> None:
    with pytest.raises(ValueError, match="is no range"):
        Bounds(least, most)


@given(st.lists(st.tuples(st.floats(0.1, 30), st.integers(-5, 50), st.integers(0, 12)), max_size=60))
def test_never_beyond_the_bounds_and_never_fewer_than_would_do_now(steps: list[tuple[float, int, int]]) -> None:
    of, now = scaler(), 0.0
    for wait, wanted, running in steps:
        now += wait
        asked = of.decide(now, wanted, running)
        assert asked is None or 3 <= asked <= 10
        assert of.asked is not None
        assert of.asked >= min(10, wanted)
