"""The keeper looks by itself and when it is asked, says once that nothing is counted, and once that it is again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

from aiox.runtime.logs import Log
from orchestrator.quota_keeper import QuotaKeeper
from registry.quotas import QuotaForgotten


class Said:
    """A log that keeps the names of events."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def info(self, event: str, **_: object) -> None:
        self.events.append(event)

    warning = info


class Counters:
    """Counts when it is told to; fails, or is not ready yet, before."""

    def __init__(self) -> None:
        self.looks = 0
        self.state: bool | Exception = QuotaForgotten("away")

    async def check(self) -> bool:
        self.looks += 1
        if isinstance(self.state, Exception):
            raise self.state
        return self.state


@contextmanager
def running(counters: Counters, said: Said, patience_s: float = 30.0) -> Iterator[QuotaKeeper]:
    keeper = QuotaKeeper(counters.check, cast(Log, said), patience_s)
    task = asyncio.ensure_future(keeper.run())
    yield keeper
    task.cancel()


async def test_who_waits_goes_on_as_soon_as_the_counters_count() -> None:
    counters, said = Counters(), Said()
    with running(counters, said) as keeper:
        waiting = asyncio.ensure_future(keeper.whole())
        while counters.looks < 2:
            await asyncio.sleep(0.01)
        counters.state = False  # another orchestrator has not posted yet
        while counters.looks < 4:
            await asyncio.sleep(0.01)
        assert not waiting.done()
        counters.state = True
        assert await waiting
        assert await keeper.whole()
    assert said.events == ["quota_not_counted", "quota_counted_again"]


async def test_who_waits_too_long_is_told() -> None:
    counters = Counters()
    with running(counters, Said(), 0.05) as keeper:
        assert not await keeper.whole()
