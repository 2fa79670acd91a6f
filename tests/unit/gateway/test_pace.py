"""Answers that take a whole number of steps, however long the work in them was."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import pytest

from gateway.routes.pace import steady


class Clock:
    """A clock that is put on by hand."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def now(self) -> datetime:
        return datetime(2026, 1, 2, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


async def refused_after(clock: Clock, took: float) -> None:
    async with steady(clock, 0.5):
        clock.seconds += took
        raise RuntimeError("refused")


@pytest.mark.parametrize(
    ("took", "ends"), [(0.0, 0.5), (0.01, 0.5), (0.49, 0.5), (0.5, 0.5), (0.51, 1.0), (1.6, 2.0), (1.9, 2.0)]
)
async def test_an_answer_ends_with_a_whole_step(took: float, ends: float, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    clock = Clock()
    with pytest.raises(RuntimeError):
        await refused_after(clock, took)
    assert took + slept[0] == pytest.approx(ends)
    slept.clear()
    async with steady(clock, 0):
        clock.seconds += took
    assert slept == [0.0]
