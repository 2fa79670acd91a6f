"""The breaker of SPEC 7: five failures in a row open it for 30 s, then one question at a time may try."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ai_worker.model.breaker import FAILURES, OPEN_S, Breaker, BreakerState


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker()
    for _ in range(FAILURES):
        assert breaker.admits(at)
        breaker.failed(at)
    return breaker


def test_it_opens_after_five_failures_in_a_row() -> None:
    breaker = Breaker()
    for _ in range(FAILURES - 1):
        breaker.failed(0.0)
    breaker.succeeded()
    for _ in range(FAILURES - 1):
        breaker.failed(0.0)
    assert breaker.state(0.0) is BreakerState.CLOSED
    breaker.failed(0.0)
    assert breaker.state(0.0) is BreakerState.OPEN
    assert not breaker.admits(OPEN_S - 0.001)
    assert breaker.opens_in_s(10.0) == OPEN_S - 10.0


def test_half_open_lets_one_probe_through() -> None:
    breaker = opened()
    assert breaker.state(OPEN_S) is BreakerState.HALF_OPEN
    assert [breaker.admits(OPEN_S) for _ in range(3)] == [True, False, False]


def test_a_probe_that_succeeds_closes_it() -> None:
    breaker = opened()
    assert breaker.admits(OPEN_S)
    breaker.succeeded()
    assert breaker.state(OPEN_S) is BreakerState.CLOSED
    assert all(breaker.admits(OPEN_S) for _ in range(3))


def test_a_probe_that_fails_opens_it_for_the_whole_time_again() -> None:
    breaker = opened()
    assert breaker.admits(OPEN_S)
    breaker.failed(OPEN_S)
    assert breaker.state(2 * OPEN_S - 0.001) is BreakerState.OPEN
    assert breaker.state(2 * OPEN_S) is BreakerState.HALF_OPEN


def test_a_probe_that_was_withdrawn_makes_room_for_the_next() -> None:
    breaker = opened()
    assert breaker.admits(OPEN_S)
    breaker.gave_up()
    assert breaker.admits(OPEN_S)


def test_failures_of_questions_asked_before_it_opened_do_not_put_it_off() -> None:
    breaker = opened(0.0)
    breaker.failed(20.0)
    assert breaker.state(OPEN_S) is BreakerState.HALF_OPEN


STEP = st.tuples(st.sampled_from(["ask", "succeeded", "failed", "gave_up"]), st.floats(0, 20))


@given(st.lists(STEP, max_size=60))
def test_it_admits_nothing_while_open_and_never_stays_shut(steps: list[tuple[str, float]]) -> None:
    """Whatever happens, it is open for 30 s at most, and one who asks after that gets through or somebody is trying."""
    breaker, now, waiting = Breaker(), 0.0, 0
    for what, pause in steps:
        now += pause
        if what == "ask":
            before = breaker.state(now)
            if breaker.admits(now):
                assert before is not BreakerState.OPEN
                waiting += 1
            else:
                assert before is BreakerState.OPEN or waiting
        elif waiting:
            waiting -= 1
            breaker.failed(now) if what == "failed" else getattr(breaker, what)()
        assert breaker.opens_in_s(now) <= OPEN_S
    for _ in range(waiting):
        breaker.gave_up()
    assert breaker.admits(now + OPEN_S)
