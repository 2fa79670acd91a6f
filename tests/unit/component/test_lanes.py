from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from component.lanes import Lanes

Item = tuple[str, int]


class Worker:
    """Does items only when released, and remembers the order."""

    def __init__(self) -> None:
        self.started: list[Item] = []
        self.gates: dict[Item, asyncio.Event] = {}

    async def do(self, item: Item) -> None:
        self.started.append(item)
        await self.gates.setdefault(item, asyncio.Event()).wait()

    def release(self, *items: Item) -> None:
        for item in items:
            self.gates.setdefault(item, asyncio.Event()).set()


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def working(lanes: Lanes[Item], tasks: int) -> AsyncIterator[None]:
    running = [asyncio.create_task(lanes.work()) for _ in range(tasks)]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def test_one_key_in_order_other_keys_beside_it() -> None:
    worker = Worker()
    lanes: Lanes[Item] = Lanes(worker.do, 100, 1000)
    async with working(lanes, 4):
        for item in (("a", 1), ("a", 2), ("b", 1), ("a", 3)):
            assert lanes.put(item[0], item, 1)
        await settle()
        assert worker.started == [("a", 1), ("b", 1)]
        worker.release(("a", 2), ("a", 3))
        await settle()
        assert worker.started == [("a", 1), ("b", 1)], "the one before is not done"
        worker.release(("a", 1), ("b", 1))
        await lanes.idle()
    assert worker.started == [("a", 1), ("b", 1), ("a", 2), ("a", 3)]


async def test_busy_lane_leaves_room_for_others() -> None:
    worker = Worker()
    lanes: Lanes[Item] = Lanes(worker.do, 100, 1000)
    async with working(lanes, 2):
        for number in range(50):
            lanes.put("a", ("a", number), 1)
        lanes.put("b", ("b", 0), 1)
        await settle()
        assert ("b", 0) in worker.started


async def test_limits_of_number_and_size() -> None:
    lanes: Lanes[Item] = Lanes(Worker().do, 2, 10)
    assert lanes.put("a", ("a", 1), 8)
    assert not lanes.put("a", ("a", 2), 3)
    assert lanes.put("b", ("b", 1), 2)
    assert not lanes.put("c", ("c", 1), 0)


async def test_room_comes_back() -> None:
    worker = Worker()
    lanes: Lanes[Item] = Lanes(worker.do, 1, 10)
    worker.release(("a", 1), ("a", 2))
    async with working(lanes, 1):
        assert lanes.put("a", ("a", 1), 10)
        await lanes.idle()
        assert lanes.put("a", ("a", 2), 10)
        await lanes.idle()
