"""The scoring model: bounded, deterministic, monotone in each input."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policy.scoring import HEAD_START_S, Inputs, Weights, decayed_reputation, order_key, score

share = st.floats(0, 1)
inputs = st.builds(Inputs, reputation=share, tools=share, priority=share, capacity=share)


def test_known_value() -> None:
    assert score(Inputs(1.0, 1.0, 0.5, 0.0), Weights()) == pytest.approx(0.625)


@given(inputs)
def test_score_lies_between_0_and_1_and_is_the_same_again(given_inputs: Inputs) -> None:
    points = score(given_inputs, Weights())
    assert 0.0 <= points <= 1.0
    assert points == score(given_inputs, Weights())


@given(inputs, share)
def test_more_priority_never_lowers_the_score(given_inputs: Inputs, priority: float) -> None:
    other = replace(given_inputs, priority=priority)
    low, high = sorted((given_inputs, other), key=lambda value: value.priority)
    assert score(low, Weights()) <= score(high, Weights())


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan")])
def test_inputs_outside_0_to_1_are_an_error(value: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        score(Inputs(value, 1, 1, 1), Weights())


def test_of_turns_that_came_together_the_better_scored_goes_first_and_ties_are_broken_by_admission_order() -> None:
    best, first, second = order_key(0.9, 100.0, 3), order_key(0.5, 100.0, 1), order_key(0.5, 100.0, 2)
    assert sorted([second, first, best]) == [best, first, second]


@given(share, share)
def test_nobody_starves_what_comes_long_after_is_behind_whatever_its_score(own: float, other: float) -> None:
    assert order_key(own, 100.0, 1) < order_key(other, 100.001 + HEAD_START_S, 2)


@given(share, share)
def test_a_better_score_is_a_head_start_of_so_many_seconds(own: float, other: float) -> None:
    ahead_s = HEAD_START_S * (other - own)
    assert order_key(other, 99.999 + ahead_s, 2) < order_key(own, 100.0, 1) < order_key(other, 100.001 + ahead_s, 2)


@given(share, st.booleans())
def test_reputation_stays_between_0_and_1_and_moves_towards_the_outcome(previous: float, succeeded: bool) -> None:
    after = decayed_reputation(previous, succeeded)
    assert 0.0 <= after <= 1.0
    assert after >= previous - 1e-12 if succeeded else after <= previous + 1e-12
