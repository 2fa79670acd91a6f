from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from component.buckets import Buckets


def test_burst_then_refill() -> None:
    buckets = Buckets(per_minute=60, burst=3)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert not buckets.take("a", 0.5)
    assert buckets.take("a", 1.0)
    assert not buckets.take("a", 1.0)


def test_keys_do_not_share() -> None:
    buckets = Buckets(per_minute=1, burst=1)
    assert buckets.take("a", 0.0)
    assert buckets.take("b", 0.0)
    assert not buckets.take("a", 0.0)


def test_memory_is_bounded_and_the_busy_key_is_kept() -> None:
    buckets = Buckets(per_minute=1, burst=1, limit=10)
    assert buckets.take("busy", 0.0)
    for number in range(100):
        buckets.take(f"other{number}", 0.0)
        assert not buckets.take("busy", 0.0)
    assert len(buckets) == 10


@given(st.lists(st.floats(0, 30), max_size=200), st.integers(1, 600), st.integers(1, 50))
def test_never_more_than_burst_and_rate_allow(waits: list[float], per_minute: int, burst: int) -> None:
    buckets, now, taken = Buckets(per_minute, burst), 0.0, 0
    for wait in waits:
        now += wait
        taken += buckets.take("a", now)
    assert taken <= burst + now * per_minute / 60 + 1e-6
