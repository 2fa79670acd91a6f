"""An orchestrator says how full it is: often while places are scarce, now and then while they are not."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from aiox.kernel.envelope import Pressure as Said
from aiox.runtime.clock import SystemClock
from aiox.runtime.logs import Log
from aiox.wire.codec import decode
from orchestrator import pressure as pressure_module
from orchestrator.pressure import Fill, Pressure


async def said(monkeypatch: pytest.MonkeyPatch, fills: list[Fill], looks: int) -> list[Said]:
    monkeypatch.setattr(pressure_module, "EVERY_S", 0.01)
    heard: list[Said] = []
    looked = 0

    def fill() -> Fill:
        nonlocal looked
        looked += 1
        return fills[min(looked, len(fills)) - 1]

    async def publish(subject: str, data: bytes) -> None:
        assert subject == "aiox.pressure"
        payload = decode(data).payload
        assert isinstance(payload, Said)
        heard.append(payload)

    running = asyncio.ensure_future(Pressure(fill, publish, "me", SystemClock(), cast(Log, None)).run())
    while looked < looks:
        await asyncio.sleep(0.005)
    running.cancel()
    return heard


async def test_while_places_are_scarce_it_is_said_each_time_with_the_rate(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = await said(monkeypatch, [Fill(50, number, 8) for number in range(1000)], 120)
    assert len(heard) >= 110
    assert all(one.orchestrator == "me" and one.waiting == 50 and one.places == 8 for one in heard)
    assert heard[-1].per_second > 0, "known after a second of it"


async def test_while_nothing_ends_it_is_said_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    heard = await said(monkeypatch, [Fill(0, 7, 8)], 22)
    assert 2 <= len(heard) <= 5


async def test_while_nobody_waits_but_turns_end_the_door_learns_it_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else it would count what it let in for a whole second, and refuse on a hub that has nothing to do."""
    heard = await said(monkeypatch, [Fill(3, number, 8) for number in range(1000)], 22)
    assert len(heard) >= 18
    assert all(one.per_second == 0 for one in heard)
