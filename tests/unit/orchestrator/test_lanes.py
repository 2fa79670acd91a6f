"""Lanes: strict order within a conversation, parallel across, bounded, nothing left when idle."""

from __future__ import annotations

import asyncio
from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from aiox.runtime.logs import configure_logs
from aiox.runtime.supervisor import Supervisor
from orchestrator.lanes import Lanes

LOG = configure_logs("test", "ERROR")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=40))
def test_each_conversation_keeps_its_order_one_at_a_time(script: list[tuple[int, int]]) -> None:
    async def play() -> tuple[dict[int, list[int]], int]:
        handled: dict[int, list[int]] = defaultdict(list)
        running: set[int] = set()

        async def handle(item: tuple[int, int, int]) -> None:
            key, number, pauses = item
            assert key not in running
            running.add(key)
            for _ in range(pauses):
                await asyncio.sleep(0)
            running.remove(key)
            handled[key].append(number)

        lanes = Lanes(Supervisor(LOG), handle, limit=7)
        for number, (key, pauses) in enumerate(script):
            await lanes.put(key, (key, number, pauses))
        while lanes.open:
            await asyncio.sleep(0)
        return handled, lanes.open

    handled, still_open = asyncio.run(play())
    assert still_open == 0
    for key in range(5):
        assert handled[key] == [number for number, (other, _) in enumerate(script) if other == key]


async def test_a_slow_conversation_does_not_hold_up_another() -> None:
    slow, answered = asyncio.Event(), asyncio.Event()

    async def handle(item: str) -> None:
        await slow.wait() if item == "slow" else answered.set()

    lanes = Lanes(Supervisor(LOG), handle, limit=10)
    await lanes.put("a", "slow")
    await lanes.put("b", "quick")
    await asyncio.wait_for(answered.wait(), 1)
    slow.set()


async def test_a_full_house_makes_the_next_one_wait() -> None:
    go = asyncio.Event()

    async def handle(_: int) -> None:
        await go.wait()

    lanes = Lanes(Supervisor(LOG), handle, limit=1)
    await lanes.put("a", 1)
    waiting = asyncio.create_task(lanes.put("b", 2))
    await asyncio.sleep(0)
    assert not waiting.done()
    go.set()
    await asyncio.wait_for(waiting, 1)
