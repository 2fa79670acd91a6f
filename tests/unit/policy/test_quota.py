"""Quota maths: capped to the tightest window, refused only when the input alone does not fit."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from policy.quota import Exceeded, Reservation, Window, refusal, reserve

windows = st.lists(
    st.builds(
        Window,
        name=st.sampled_from(["minute", "day"]),
        limit=st.integers(0, 10_000),
        used=st.integers(0, 12_000),
        resets_in_s=st.integers(1, 86_400),
    ),
    min_size=1,
    max_size=4,
)


def test_a_long_answer_under_a_small_limit_is_capped_not_refused() -> None:
    result = reserve(100, 4096, [Window("minute", 1000, 0, 60)])
    assert result == Reservation(1000, 100)
    assert result.output_tokens == 900


def test_the_tightest_window_decides() -> None:
    assert reserve(10, 50, [Window("minute", 1000, 0, 60), Window("day", 40, 0, 600)]) == Reservation(40, 10)


def test_an_input_that_does_not_fit_is_refused_with_its_window() -> None:
    result = reserve(100, 50, [Window("minute", 1000, 950, 12), Window("day", 5000, 0, 600)])
    assert result == Exceeded("minute", 1000, 12)


def test_no_window_is_no_budget() -> None:
    assert isinstance(reserve(1, 1, []), Exceeded)


def test_the_refusal_says_which_limit_and_when_it_resets() -> None:
    assert refusal(Exceeded("account, per minute", 1000, 12)) == (
        "The limit of 1000 tokens (account, per minute) is used up. It resets in 12 s."
    )
    assert "20 min" in refusal(Exceeded("account, per day", 5, 1200))


@given(st.integers(0, 5000), st.integers(1, 5000), windows)
def test_a_reservation_never_exceeds_any_window(
    input_tokens: int, max_tokens: int, given_windows: list[Window]
) -> None:
    result = reserve(input_tokens, max_tokens, given_windows)
    if isinstance(result, Reservation):
        assert all(window.used + result.tokens <= window.limit for window in given_windows)
        assert input_tokens < result.tokens <= input_tokens + max_tokens
    else:
        assert any(window.left <= input_tokens for window in given_windows)
