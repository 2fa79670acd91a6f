"""Lanes: strict order within a conversation, parallel across, bounded, nothing left when idle; groups that restart."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st

from aiox.runtime.logs import configure_logs
from aiox.runtime.supervisor import Supervisor
from orchestrator.lanes import Group, Lanes

LOG = configure_logs("test", "ERROR")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), max_size=40), st.booleans())
def test_each_conversation_keeps_its_order_one_group_at_a_time(script: list[tuple[int, int]], merge: bool) -> None:
    async def play() -> tuple[dict[int, list[int]], int, int]:
        handled: dict[int, list[int]] = defaultdict(list)
        running: set[int] = set()

        async def handle(group: Group[tuple[int, int, int]]) -> None:
            key = group.items[0][0]
            assert key not in running
            running.add(key)
            for _ in range(group.items[0][2]):
                await asyncio.sleep(0)
            running.remove(key)
            handled[key].extend(number for _, number, _ in group.items)

        def together(items: Sequence[tuple[int, int, int]], _another: tuple[int, int, int]) -> bool:
            return merge and len(items) < 3

        lanes: Lanes[tuple[int, int, int]] = Lanes(Supervisor(LOG), handle, 7, together)
        for number, (key, pauses) in enumerate(script):
            await lanes.put(key, (key, number, pauses))
        while lanes.open:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        return handled, lanes.open, len(lanes.handled_since(float("inf")))

    handled, still_open, lanes_left = asyncio.run(play())
    assert still_open == lanes_left == 0
    for key in range(5):
        assert handled[key] == [number for number, (other, _) in enumerate(script) if other == key]


async def test_a_slow_conversation_does_not_hold_up_another() -> None:
    slow, answered = asyncio.Event(), asyncio.Event()

    async def handle(group: Group[str]) -> None:
        await slow.wait() if group.items == ["slow"] else answered.set()

    lanes: Lanes[str] = Lanes(Supervisor(LOG), handle, limit=10)
    await lanes.put("a", "slow")
    await lanes.put("b", "quick")
    async with asyncio.timeout(60):
        await answered.wait()
    slow.set()


async def test_a_full_house_makes_the_next_one_wait() -> None:
    go = asyncio.Event()

    async def handle(_: Group[int]) -> None:
        await go.wait()

    lanes: Lanes[int] = Lanes(Supervisor(LOG), handle, limit=1)
    await lanes.put("a", 1)
    waiting = asyncio.create_task(lanes.put("b", 2))
    await asyncio.sleep(0)
    assert not waiting.done()
    go.set()
    async with asyncio.timeout(60):
        await waiting


class Restarting:
    """A handler like the orchestrator's: starts anew when an item joins, and seals before it ends."""

    def __init__(self) -> None:
        self.starts: list[list[str]] = []
        self.done: list[list[str]] = []
        self.go = asyncio.Event()
        self.lanes: Lanes[str] = Lanes(
            Supervisor(LOG), self.handle, 10, lambda _items, _another: True, lambda group: not group.sealed
        )

    async def handle(self, group: Group[str]) -> None:
        while True:
            self.starts.append(list(group.items))
            try:
                async with asyncio.timeout(None) as scope:
                    with group.noticing(scope):
                        await self.go.wait()
                break
            except TimeoutError:
                assert scope.expired()
        group.seal()
        await asyncio.sleep(0)
        self.done.append(list(group.items))


async def until(test: Restarting, done: int) -> None:
    async with asyncio.timeout(60):
        while len(test.done) < done:
            await asyncio.sleep(0)


async def test_the_first_message_starts_at_once_and_a_second_restarts_it_merged() -> None:
    test = Restarting()
    await test.lanes.put("a", "one")
    await asyncio.sleep(0)
    assert test.starts == [["one"]]
    await test.lanes.put("a", "two")
    test.go.set()
    await until(test, 1)
    assert test.done == [["one", "two"]]
    assert test.lanes.open == 0


async def test_what_comes_after_the_seal_joins_the_next_turn() -> None:
    test = Restarting()
    test.go.set()
    await test.lanes.put("a", "one")
    await asyncio.sleep(0)
    await test.lanes.put("a", "two")
    await test.lanes.put("a", "three")
    await until(test, 2)
    assert test.done == [["one"], ["two", "three"]]


async def test_what_is_ahead_in_a_lane_is_what_runs_and_what_waits() -> None:
    go, began = asyncio.Event(), asyncio.Event()

    async def handle(_group: Group[str]) -> None:
        began.set()
        await go.wait()

    lanes: Lanes[str] = Lanes(Supervisor(LOG), handle, limit=10)
    for item in ("first", "second", "third"):
        await lanes.put("a", item)
    await lanes.put("b", "other")
    await began.wait()
    assert lanes.ahead("a") == ["first", "second", "third"]
    assert lanes.ahead("c") == []
    go.set()
    while lanes.open:
        await asyncio.sleep(0)
    assert lanes.ahead("a") == []
