from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aiox.cli.stack.healing import Deaths


def test_the_wait_doubles_up_to_its_limit() -> None:
    deaths = Deaths()
    assert [deaths.next_wait(number) for number in range(7)] == [0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_what_is_long_past_is_forgiven() -> None:
    deaths = Deaths()
    for number in range(10):
        assert deaths.next_wait(number) is not None
    assert deaths.next_wait(200.0) == 0.2


def test_the_eleventh_death_within_a_minute_is_one_too_many() -> None:
    deaths = Deaths()
    waits = [deaths.next_wait(number * 5.0) for number in range(11)]
    assert None not in waits[:10]
    assert waits[10] is None


@given(st.lists(st.floats(min_value=6.1, max_value=100), max_size=50))
def test_one_that_dies_seldom_enough_is_always_started_again(pauses: list[float]) -> None:
    deaths, now = Deaths(), 0.0
    for pause in pauses:
        now += pause
        wait = deaths.next_wait(now)
        assert wait is not None
        assert 0 < wait <= 5
