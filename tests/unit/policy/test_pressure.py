"""Who is let in while more come than can be answered."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.pressure import FIRST, Load, Pace, lets_in, lets_in_foreign, limit_of

LOADS = st.lists(st.builds(Load, st.integers(0, 5000), st.integers(0, 80), st.floats(0, 2000)), min_size=1, max_size=4)


def test_as_much_may_wait_as_can_be_answered_in_a_second() -> None:
    assert limit_of([Load(9, 8, 100.0)]) == 100.0
    assert limit_of([Load(9, 16, 100.0), Load(9, 16, 50.0)]) == 150.0
    assert limit_of([Load(9, 8, 0.5)]) == 32.0
    assert limit_of([Load(9, 8, 0.0)]) == FIRST
    assert limit_of([]) == float("inf")


@given(LOADS, st.floats(0, 1), st.floats(0, 1), st.integers(0, 9))
def test_higher_priority_and_more_refusals_never_close_a_door(
    loads: list[Load], one: float, other: float, refused: int
) -> None:
    limit, waiting = limit_of(loads), float(sum(load.waiting for load in loads))
    low, high = sorted((one, other))
    assert lets_in(waiting, limit, high, refused) >= lets_in(waiting, limit, low, refused)
    assert lets_in(waiting, limit, low, refused + 1) >= lets_in(waiting, limit, low, refused)


@given(LOADS, st.floats(0, 1), st.integers(0, 9))
def test_the_queue_is_bounded_whatever_comes(loads: list[Load], priority: float, refused: int) -> None:
    limit = limit_of(loads)
    assert not lets_in(max(3.5 * limit, FIRST), limit, priority, refused)


def test_a_hub_that_slows_down_for_a_moment_still_has_room_for_high_priority() -> None:
    """The limit falls at once, what waits only as turns end."""
    assert lets_in(200.0, 32.0, 1.0, 0)
    assert not lets_in(200.0, 32.0, 0.1, 4)


def test_the_pace_is_what_was_answered_while_places_were_scarce() -> None:
    pace = Pace()
    for _ in range(10):
        pace = pace.after(30, 0.2, scarce=True)
    assert pace.sure == pytest.approx(150)
    assert pace.after(30, 0.2, scarce=False) == Pace(), "what came is not what can be answered"


def test_the_first_answers_of_a_burst_refuse_nobody() -> None:
    pace = Pace()
    for _ in range(4):
        pace = pace.after(1, 0.2, scarce=True)
        assert limit_of([Load(16, 8, pace.sure)]) == FIRST
    assert pace.after(1, 0.2, scarce=True).sure == pytest.approx(5)


def test_a_stretch_in_which_nothing_ended_is_forgotten_within_seconds() -> None:
    pace = Pace()
    for _ in range(25):
        pace = pace.after(0, 0.2, scarce=True)
    for _ in range(25):
        pace = pace.after(30, 0.2, scarce=True)
    assert pace.sure > 90


def test_at_twice_the_load_nobody_is_refused_for_ever_and_the_busy_agent_never() -> None:
    """A queue that ends 100 a second and is offered 200: 40 conversations of priority 0.1, and one of 1."""
    chance, refused, worst, waiting = random.Random(3), [0] * 41, [0] * 41, 0.0
    limit = limit_of([Load(0, 8, 100.0)])
    for _ in range(20_000):
        waiting = max(0.0, waiting - 0.5)
        one = chance.randrange(41)
        if lets_in(waiting, limit, 1.0 if one == 40 else 0.1, refused[one]):
            refused[one], waiting = 0, waiting + 1
        else:
            refused[one] += 1
            worst[one] = max(worst[one], refused[one])
    assert worst[40] == 0
    assert max(worst) <= 5
    assert waiting < 2 * limit


def test_strangers_of_other_hubs_have_less_room_than_anybody_of_ours() -> None:
    for limit in (1.0, 32.0, 256.0, float("inf")):
        for waiting in (0.0, limit / 2, limit * 0.9, limit):
            assert not lets_in_foreign(waiting, limit) or lets_in(waiting, limit, 0.0, 0)
    assert lets_in_foreign(15.0, 32.0)
    assert not lets_in_foreign(16.0, 32.0)
    assert lets_in(16.0, 32.0, 0.0, 0)
