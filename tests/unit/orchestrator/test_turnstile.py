"""Who is due first goes first, nobody waits for ever, and a place is never lost."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator import turnstile as module
from orchestrator.turnstile import Turnstile, due_now


class Gate:
    """A turnstile whose places may change; who is in leaves when told so."""

    def __init__(self, places: float) -> None:
        self.places = places
        self.turnstile = Turnstile(lambda: self.places)
        self.order = list[str]()
        self.leaves = asyncio.Event()

    def come(self, name: str, due: float = 0.0, patience_s: float | None = None) -> asyncio.Task[None]:
        return asyncio.create_task(self._through(name, due, patience_s))

    async def _through(self, name: str, due: float, patience_s: float | None) -> None:
        async with self.turnstile.passed(due, patience_s):
            self.order.append(name)
            await self.leaves.wait()


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_who_is_due_first_passes_first_and_equals_in_their_order() -> None:
    gate = Gate(1)
    tasks = [gate.come("first")]
    await settled()
    tasks += [gate.come("late", 3.0), gate.come("usual", 2.0), gate.come("early", 1.0), gate.come("late too", 3.0)]
    await settled()
    assert gate.order == ["first"]
    gate.leaves.set()
    await asyncio.gather(*tasks)
    assert gate.order == ["first", "early", "usual", "late", "late too"]


async def test_high_priority_is_ahead_of_what_came_a_little_before_and_of_no_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "AHEAD_S", 0.1)
    long_before = due_now(0.0)
    await asyncio.sleep(0.2)
    a_little_before = due_now(0.0)
    assert long_before < due_now(1.0) < due_now(0.5) < a_little_before


async def test_so_many_are_in_at_a_time_and_no_more() -> None:
    gate = Gate(3)
    tasks = [gate.come(str(number)) for number in range(10)]
    await settled()
    assert len(gate.order) == 3
    gate.leaves.set()
    await asyncio.gather(*tasks)
    assert len(gate.order) == 10


async def test_it_says_how_long_those_that_wait_have_waited() -> None:
    gate = Gate(1)
    tasks = [gate.come("in"), gate.come("waits"), gate.come("gone")]
    await asyncio.sleep(0.05)
    tasks[2].cancel()
    await settled()
    (wait,) = gate.turnstile.waits()
    assert 0.04 < wait < 60
    assert len(gate.turnstile._waiting) == 1, "who has gone is not kept in mind"
    gate.leaves.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert list(gate.turnstile.waits()) == []


async def test_who_has_waited_long_enough_goes_in_and_counts_from_then_on() -> None:
    gate = Gate(1)
    tasks = [gate.come("first")]
    await settled()
    tasks.append(gate.come("patient", patience_s=0.02))
    await asyncio.sleep(0.1)
    assert gate.order == ["first", "patient"]
    gate.places = 2
    tasks.append(gate.come("third"))
    await settled()
    assert gate.order == ["first", "patient"], "two are in, and two may be"
    gate.leaves.set()
    await asyncio.gather(*tasks)
    assert gate.order[-1] == "third"


async def test_places_that_come_later_are_taken_by_who_waits() -> None:
    gate = Gate(1)
    tasks = [gate.come("first"), gate.come("second")]
    await settled()
    gate.places = 3
    tasks.append(gate.come("third"))
    await settled()
    assert sorted(gate.order) == ["first", "second", "third"]
    gate.leaves.set()
    await asyncio.gather(*tasks)


@pytest.mark.parametrize("after_it_was_let_in", [False, True])
async def test_one_that_is_cancelled_leaves_its_place_to_the_next(after_it_was_let_in: bool) -> None:
    gate = Gate(1)
    async with gate.turnstile.passed(0.0):
        waiting = gate.come("waits")
        await settled()
        if not after_it_was_let_in:
            waiting.cancel()
    waiting.cancel()  # it has the place by now, and has not gone on yet
    gate.leaves.set()
    await asyncio.gather(waiting, return_exceptions=True)
    await asyncio.wait_for(gate.come("next"), 60)
    assert gate.order == ["next"]


async def test_a_failure_within_gives_the_place_back() -> None:
    turnstile = Turnstile(lambda: 1)
    with pytest.raises(ValueError, match="within"):
        async with turnstile.passed(0.0):
            raise ValueError("within")
    async with asyncio.timeout(60), turnstile.passed(0.0):
        pass
