"""The machine's clock is aware, and never goes back."""

from __future__ import annotations

from datetime import UTC

from aiox.runtime.clock import SystemClock


def test_now_is_utc() -> None:
    assert SystemClock().now().tzinfo is UTC


def test_monotonic_never_goes_back() -> None:
    clock = SystemClock()
    readings = [clock.monotonic() for _ in range(100)]
    assert readings == sorted(readings)
