from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from uuid import UUID

import pytest
import structlog

from aiox.runtime.clock import SystemClock
from component import slots as module
from component.slots import Carried, Slots, to_leave, to_take
from registry.slots import Kind, Seen


def carried(member: int | None, *slots: int, count: int = 3) -> Carried:
    return Carried(count, member, set(slots), sure=True)


def seen(members: set[int], slots: set[int]) -> Seen:
    return Seen(frozenset(members), frozenset(slots))


@pytest.mark.parametrize(
    ("ours", "there", "taken"),
    [
        (carried(1), seen({1}, set()), [1, 2, 3]),
        (carried(1), seen({1, 2}, set()), [1, 3]),
        (carried(2, 2), seen({1, 2}, {1, 2}), [3]),
        (carried(2), seen({1, 2}, {1, 2, 3}), []),
        (carried(None), seen({1, 2, 3}, set()), []),
    ],
    ids=["alone", "beside another", "what nobody carries", "not before it is handed over", "who waits takes nothing"],
)
def test_what_is_taken(ours: Carried, there: Seen, taken: list[int]) -> None:
    assert to_take(ours, there) == taken


def test_a_slot_is_handed_over_when_its_own_member_is_back() -> None:
    assert to_leave(carried(1, 1, 2, 3), seen({1, 3}, {1, 2, 3})) == [3]


def test_every_conversation_is_sent_by_one() -> None:
    members = [carried(1, 1), carried(2, 2), carried(3, 3)]
    for number in range(30):
        assert sum(one.sends(UUID(int=number)) for one in members) == 1
    members[0].sure = False
    assert not any(members[0].sends(UUID(int=number)) for number in range(30))


@dataclass
class Store:
    """The locks of PostgreSQL: gone with the connection that took them."""

    locks: dict[tuple[Kind, int], object] = field(default_factory=dict)
    away: bool = False


class FakeLocks:
    def __init__(self, store: Store) -> None:
        self._store = store
        self.held = False

    async def open(self) -> None:
        self.drop()
        if self._store.away:
            raise OSError("away")
        self.held = True

    def drop(self) -> None:
        self.held = False
        for lock in [lock for lock, holder in self._store.locks.items() if holder is self]:
            del self._store.locks[lock]

    async def close(self) -> None:
        self.drop()

    async def seen(self) -> Seen:
        of = {kind: frozenset(number for one, number in self._store.locks if one is kind) for kind in Kind}
        return Seen(of[Kind.MEMBER], of[Kind.SLOT])

    async def take(self, kind: Kind, number: int) -> bool:
        return self._store.locks.setdefault((kind, number), self) is self

    async def give(self, kind: Kind, number: int) -> None:
        assert self._store.locks.pop((kind, number)) is self


@dataclass
class Member:
    locks: FakeLocks
    carried: Carried
    slots: Slots
    task: asyncio.Task[None]
    open_links: set[int]

    async def die(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        self.locks.drop()
        self.open_links.clear()


@asynccontextmanager
async def member(store: Store, count: int = 2) -> AsyncIterator[Member]:
    locks, ours, links = FakeLocks(store), Carried(count), set[int]()

    async def leave(slot: int) -> None:
        links.discard(slot)

    made = Slots(locks, ours, links.add, leave, SystemClock(), structlog.get_logger())
    one = Member(locks, ours, made, asyncio.create_task(made.run()), links)
    try:
        yield one
    finally:
        await one.die()


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TICK_S", 0.001)
    monkeypatch.setattr(module, "REGAIN_S", 0.05)


async def until(holds: object) -> None:
    assert callable(holds)
    async with asyncio.timeout(60):
        while not holds():
            await asyncio.sleep(0.001)


async def test_two_share_and_one_that_dies_is_replaced() -> None:
    store = Store()
    async with member(store) as first:
        await until(lambda: first.open_links == {1, 2})
        async with member(store) as second:
            await until(lambda: (first.open_links, second.open_links) == ({1}, {2}))
            await first.die()
            await until(lambda: second.open_links == {1, 2})


async def test_one_too_many_waits_until_another_is_gone() -> None:
    store = Store()
    async with member(store, 1) as first, member(store, 1) as second:
        await until(lambda: first.slots.settled and second.slots.settled)
        assert (first.open_links, second.open_links) == ({1}, set())
        await first.die()
        await until(lambda: second.open_links == {1})


async def test_while_the_store_is_away_links_stay_and_nothing_is_sent() -> None:
    store = Store()
    async with member(store) as first, member(store) as second:
        await until(lambda: (first.open_links, second.open_links) == ({1}, {2}))
        store.away = True
        first.locks.drop()
        second.locks.drop()
        await until(lambda: not first.carried.sure and not second.carried.sure)
        assert (first.open_links, second.open_links) == ({1}, {2})
        store.away = False
        await until(lambda: first.carried.sure and second.carried.sure)
        await asyncio.sleep(0.1)
        assert (first.open_links, second.open_links) == ({1}, {2}), "each has taken again what it carried"


async def test_who_stops_hands_everything_over() -> None:
    store = Store()
    async with member(store) as first:
        await until(lambda: first.open_links == {1, 2})
        await first.slots.stop()
        assert (first.open_links, store.locks) == (set(), {})
