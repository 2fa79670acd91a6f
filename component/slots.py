"""Slots: several components share the agents' domain, and what one that dies has carried is carried on by another.

With `components = n` the XMPP server divides the agents by their addresses over n links and drops what falls to a link
that is not there (ejabberd 24.12, tried). So there are n slots, each a link and a share of the outbox, and all are
carried at all times: each member carries its own, and those of members that are not there.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Protocol
from uuid import UUID

from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from registry.slots import Kind, Seen

TICK_S: Final = 0.25
REGAIN_S: Final = 2.0
"""After the store was away everyone gets this long to take again what it carried before."""


class Locks(Protocol):
    """Locks that last as long as our connection to the store. Every method raises when the store is away."""

    @property
    def held(self) -> bool:
        """Whether the connection that took our locks still stands."""
        ...

    async def open(self) -> None:
        """Connects if need be; locks taken before are gone then."""
        ...

    def drop(self) -> None:
        """Gives up the connection, and with it all locks."""
        ...

    async def close(self) -> None:
        """Gives the connection up in good order, and with it all locks."""
        ...

    async def seen(self) -> Seen:
        """Which numbers anyone holds."""
        ...

    async def take(self, kind: Kind, number: int) -> bool:
        """Takes a lock if nobody has it."""
        ...

    async def give(self, kind: Kind, number: int) -> None:
        """Gives a lock back."""
        ...


@dataclass(slots=True)
class Carried:
    """What this process carries. `member` is None for one that waits until another is gone."""

    count: int
    member: int | None = None
    slots: set[int] = field(default_factory=set)
    sure: bool = False
    """False while the store is away: the links stay, but nothing is sent from the outbox."""

    def sends(self, conversation: UUID) -> bool:
        """Whether the rows of this conversation are ours to send, and nobody else's."""
        return self.sure and conversation.int % self.count + 1 in self.slots


def to_take(carried: Carried, seen: Seen) -> list[int]:
    """The slots to take now: our own, and those of members that are not there."""
    if carried.member is None:
        return []
    numbers = range(1, carried.count + 1)
    return [
        number
        for number in numbers
        if number not in carried.slots
        and number not in seen.slots
        and (number == carried.member or number not in seen.members)
    ]


def to_leave(carried: Carried, seen: Seen) -> list[int]:
    """The slots to hand over now: those whose own member is back."""
    return [number for number in sorted(carried.slots) if number != carried.member and number in seen.members]


Enter = Callable[[int], None]
Leave = Callable[[int], Awaitable[None]]
"""Ends the work of a slot in good order; returns when nothing of it is under way."""


class Slots:
    """Takes and hands over slots. `run` is a task to start once."""

    def __init__(self, locks: Locks, carried: Carried, enter: Enter, leave: Leave, clock: Clock, log: Log) -> None:
        self._locks = locks
        self._carried = carried
        self._enter = enter
        self._leave = leave
        self._clock = clock
        self._log = log
        self._back_at: float | None = None
        self._stopping = False
        self._one_at_a_time = asyncio.Lock()
        self.settled = False
        """Whether the locks were asked at least once."""

    async def run(self) -> None:
        """Keeps this process's slots right, until cancelled."""
        while True:
            try:
                async with self._one_at_a_time:
                    if not self._stopping:
                        await self._look()
            except Exception as failed:  # noqa: BLE001 -- the store may be away; links stay as they are
                if self._carried.sure:
                    self._log.warning("slots_not_known", error=repr(failed))
                self._carried.sure = False
                self._locks.drop()
            await asyncio.sleep(TICK_S)

    async def stop(self) -> None:
        """Hands everything over, so that another may take it at once."""
        self._stopping = True
        async with self._one_at_a_time:
            for number in sorted(self._carried.slots):
                await self._hand_over(number)
            await self._locks.close()

    async def _look(self) -> None:
        if not self._locks.held:
            await self._regain()
        await self._tick()
        self.settled = True

    async def _regain(self) -> None:
        """Takes again what was held on a connection that is gone."""
        self._carried.sure = False
        await self._locks.open()
        if self.settled:
            self._back_at = self._clock.monotonic()
        member = self._carried.member
        if member is not None and not await self._locks.take(Kind.MEMBER, member):
            self._carried.member = None
        for number in sorted(self._carried.slots):
            if not await self._locks.take(Kind.SLOT, number):
                self._log.warning("slot_lost", slot=number)
                self._carried.slots.discard(number)
                await self._leave(number)

    async def _tick(self) -> None:
        others_are_back = self._back_at is None or self._clock.monotonic() - self._back_at >= REGAIN_S
        if others_are_back:
            await self._join()
        seen = await self._locks.seen()
        for number in to_leave(self._carried, seen):
            await self._hand_over(number)
        if others_are_back:
            for number in to_take(self._carried, seen):
                await self._take(number)
        self._carried.sure = True

    async def _join(self) -> None:
        for number in range(1, self._carried.count + 1):
            if self._carried.member is not None:
                return
            if await self._locks.take(Kind.MEMBER, number):
                self._carried.member = number

    async def _take(self, number: int) -> None:
        if not await self._locks.take(Kind.SLOT, number):
            return
        self._log.info("slot_taken", slot=number)
        self._carried.slots.add(number)
        self._enter(number)

    async def _hand_over(self, number: int) -> None:
        self._log.info("slot_handed_over", slot=number)
        self._carried.slots.discard(number)
        await self._leave(number)
        if self._locks.held:
            await self._locks.give(Kind.SLOT, number)
