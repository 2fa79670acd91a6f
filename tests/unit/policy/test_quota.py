"""Quota maths: capped to the tightest window, refused only when the input alone does not fit."""

from __future__ import annotations

from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from policy.quota import (
    DAY_S,
    MINUTE_S,
    Exceeded,
    Held,
    Reservation,
    Settled,
    Slots,
    Unit,
    Window,
    rebuilt,
    refusal,
    reserve,
    window_key,
)

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


def test_turns_at_once_come_first_and_say_which_limit() -> None:
    full = reserve(1, 1, [Window("minute", 0, 0, 60)], [Slots("account", 9, 8), Slots("agent", 5, 5)])
    assert full == Exceeded("agent", 5, 0, Unit.TURNS)
    assert refusal(full) == "The limit of 5 turns at once (agent) is reached. Try when one has ended."


def test_what_was_cut_off_before_leaves_less_room() -> None:
    assert reserve(100, 4096, [Window("minute", 1000, 0, 60)], carried=300) == Reservation(700, 100, 300)
    assert isinstance(reserve(100, 4096, [Window("minute", 1000, 0, 60)], carried=900), Exceeded)


OWNER, AGENT, NOW_MS = UUID(int=1), UUID(int=2), 1_800_000_000_000
MINUTE = NOW_MS // 60_000


def held(number: int, tokens: int, carried: int, used: int | None) -> Held:
    windows = tuple(window_key(scope, seconds, NOW_MS) for scope in (OWNER, AGENT) for seconds in (MINUTE_S, DAY_S))
    return Held(UUID(int=number), OWNER, tokens, 1, 0, carried, windows, (str(OWNER),), "me", NOW_MS + 1, used)


def test_counters_are_what_is_settled_and_every_open_turn() -> None:
    settled = [Settled(OWNER, MINUTE, 100, 400), Settled(AGENT, MINUTE - 1, 10, 40)]
    open_turns = [held(10, 50, 5, None), held(11, 70, 0, 60), held(12, 80, 0, 30)]
    assert rebuilt(settled, open_turns, {UUID(int=12)}) == {
        window_key(OWNER, MINUTE_S, NOW_MS): 100 + 55 + 60,
        window_key(OWNER, DAY_S, NOW_MS): 400 + 55 + 60,
        window_key(AGENT, MINUTE_S, NOW_MS - 60_000): 10,
        window_key(AGENT, MINUTE_S, NOW_MS): 55 + 60,
        window_key(AGENT, DAY_S, NOW_MS): 40 + 55 + 60,
    }


@given(st.lists(st.tuples(st.integers(1, 999), st.integers(0, 99), st.booleans(), st.booleans()), max_size=20))
def test_a_turn_is_counted_once_wherever_it_is_when_redis_forgets(turns: list[tuple[int, int, bool, bool]]) -> None:
    """Open, settled, or settled and in the books already: the sum is the same as if nothing had been forgotten."""
    open_turns = [held(n, tokens, 0, used if done else None) for n, (tokens, used, done, _) in enumerate(turns)]
    booked = {n for n, (_, _, done, concluded) in enumerate(turns) if done and concluded}
    settled = [Settled(OWNER, MINUTE, *(2 * [sum(turns[n][1] for n in booked)]))]
    counters = rebuilt(settled, open_turns, {UUID(int=n) for n in booked})
    assert counters[window_key(OWNER, DAY_S, NOW_MS)] == sum(used if done else t for t, used, done, _ in turns)


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
