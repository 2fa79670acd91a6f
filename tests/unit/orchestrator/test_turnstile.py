"""Turns of high priority go first, nobody waits for ever, and a place is never lost."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4

import pytest

from orchestrator import turnstile as module
from orchestrator.turnstile import Turnstile


async def through(turnstile: Turnstile, agent: UUID, order: list[UUID], leaves: asyncio.Event) -> None:
    async with turnstile.passed(agent):
        order.append(agent)
        await leaves.wait()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def order_of(turnstile: Turnstile, agents: list[UUID]) -> list[UUID]:
    """Who passes in which order while one place is taken at first."""
    order, free = list[UUID](), asyncio.Event()
    first = asyncio.create_task(through(turnstile, uuid4(), [], free))
    await settled()
    waiting = [asyncio.create_task(through(turnstile, agent, order, free)) for agent in agents]
    await settled()
    assert order == []
    free.set()
    await asyncio.gather(first, *waiting)
    return order


async def test_high_priority_passes_first_and_equals_in_their_order() -> None:
    turnstile, low, high, unknown, late = Turnstile(1), uuid4(), uuid4(), uuid4(), uuid4()
    turnstile.learn(low, 0.0)
    turnstile.learn(late, 0.0)
    turnstile.learn(high, 1.0)
    assert await order_of(turnstile, [low, unknown, high, late]) == [high, unknown, low, late]


async def test_who_came_long_before_goes_before_high_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "AHEAD_S", 0.01)
    turnstile, low, high = Turnstile(1), uuid4(), uuid4()
    turnstile.learn(low, 0.0)
    turnstile.learn(high, 1.0)
    order, free = list[UUID](), asyncio.Event()
    tasks = [asyncio.create_task(through(turnstile, uuid4(), [], free))]
    await settled()
    tasks.append(asyncio.create_task(through(turnstile, low, order, free)))
    await asyncio.sleep(0.1)
    tasks.append(asyncio.create_task(through(turnstile, high, order, free)))
    await settled()
    free.set()
    await asyncio.gather(*tasks)
    assert order == [low, high]


async def test_so_many_are_in_at_a_time_and_no_more() -> None:
    turnstile, order, free = Turnstile(3), list[UUID](), asyncio.Event()
    tasks = [asyncio.create_task(through(turnstile, uuid4(), order, free)) for _ in range(10)]
    await settled()
    assert len(order) == 3
    free.set()
    await asyncio.gather(*tasks)
    assert len(order) == 10


@pytest.mark.parametrize("after_it_was_let_in", [False, True])
async def test_one_that_is_cancelled_leaves_its_place_to_the_next(after_it_was_let_in: bool) -> None:
    turnstile, order, free = Turnstile(1), list[UUID](), asyncio.Event()
    first = asyncio.create_task(through(turnstile, uuid4(), [], free))
    await settled()
    waiting = asyncio.create_task(through(turnstile, uuid4(), [], free))
    await settled()
    if after_it_was_let_in:
        free.set()
        await first
    waiting.cancel()
    free.set()
    await asyncio.gather(first, waiting, return_exceptions=True)
    await asyncio.wait_for(through(turnstile, uuid4(), order, free), 60)
    assert len(order) == 1


async def test_a_failure_within_gives_the_place_back() -> None:
    turnstile = Turnstile(1)
    with pytest.raises(ValueError, match="within"):
        async with turnstile.passed(uuid4()):
            raise ValueError("within")
    async with asyncio.timeout(60), turnstile.passed(uuid4()):
        pass


async def test_agents_that_were_not_heard_of_for_long_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 1)
    turnstile, gone, kept = Turnstile(1), uuid4(), uuid4()
    turnstile.learn(gone, 1.0)
    turnstile.learn(kept, 0.9)
    assert await order_of(turnstile, [gone, kept]) == [kept, gone]
