"""Keeps this orchestrator's partition leases: takes its share, renews what it holds, gives back what is too much."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool, StoreTrouble
from aiox.runtime.supervisor import Supervisor
from orchestrator.deliveries import InHand
from orchestrator.shares import plan
from registry import leases

LEASE_S: Final = 3.0
RENEW_S: Final = 1.0
"""A dead owner's partitions are taken over within LEASE_S + RENEW_S, and the time to make their consumers."""

Drain = Callable[[int, int], Coroutine[Any, Any, None]]
"""Takes the messages of a partition under a fencing token, until cancelled."""


class Partitions:
    """Runs `drain(partition, fence)` for each lease held.

    A partition that is given back is first no longer taken from, then its running turns end, then it is released: so no
    message is handled by two. `leave_budget_s` bounds that; afterwards the fencing token keeps the old owner out.
    """

    def __init__(
        self,
        pool: Pool,
        holder: str,
        drain: Drain,
        in_hand: InHand,
        supervisor: Supervisor,
        log: Log,
        leave_budget_s: float,
    ) -> None:
        self._pool = pool
        self._holder = holder
        self._drain = drain
        self._in_hand = in_hand
        self._supervisor = supervisor
        self._log = log
        self._leave_budget_s = leave_budget_s
        self._held: dict[int, tuple[int, asyncio.Task[None]]] = {}
        self._leaving: set[int] = set()
        self._closing = False
        self._renewed_at = float("-inf")
        self._ownerless = 0

    @property
    def held(self) -> dict[int, int]:
        """Partition -> fencing token, those that are being given back included."""
        return {number: fence for number, (fence, _) in self._held.items()}

    def missing(self) -> str:
        """Empty text when every partition has an owner and our leases are fresh, else what is missing."""
        if _now() - self._renewed_at > 2 * LEASE_S:
            return "PostgreSQL has not renewed the partition leases"
        return f"{self._ownerless} partitions wait for an owner" if self._ownerless else ""

    async def run(self) -> None:
        """Renews until cancelled."""
        while True:
            try:
                async with asyncio.timeout(LEASE_S - RENEW_S):
                    await self._renew()
            except (*StoreTrouble, TimeoutError) as broken:
                self._log.warning("leases_not_renewed", error=repr(broken))
            await asyncio.sleep(RENEW_S)

    async def close(self, budget_s: float) -> None:
        """Stops taking, lets running turns end within the budget, and gives everything back."""
        self._closing = True
        numbers = [number for number in self._held if number not in self._leaving]
        await self._run_empty(numbers, budget_s)
        await leases.leave(self._pool, self._holder)
        self._log.info("partitions_given_back", count=len(numbers))

    async def _renew(self) -> None:
        standing = await leases.renew(self._pool, self._holder, LEASE_S)
        self._renewed_at, self._ownerless = _now(), standing.ownerless
        if self._closing:
            return
        next_step = plan(self.held, self._leaving, standing.held, standing.live)
        for number in next_step.lost:
            self._drop(number)
        self._begin(next_step.found)
        self._restart_ended()
        for number in next_step.surplus:
            self._leaving.add(number)
            self._supervisor.run_once(f"give back {number}", self._give_back(number))
        if next_step.room and standing.ownerless:
            won = await leases.take(self._pool, self._holder, LEASE_S, next_step.room)
            self._begin(won)
            self._ownerless -= len(won)
            self._log.info("partitions_taken", count=len(won), held=len(self._held), live=standing.live)

    def _begin(self, won: leases.Fences) -> None:
        for number, fence in won.items():
            if not self._closing:
                self._held[number] = (fence, self._start(number, fence))

    def _start(self, number: int, fence: int) -> asyncio.Task[None]:
        self._in_hand.open(number, fence)
        return self._supervisor.run_once(f"partition {number}", self._drain(number, fence))

    def _restart_ended(self) -> None:
        for number, (fence, task) in self._held.items():
            if task.done() and number not in self._leaving:
                self._held[number] = (fence, self._start(number, fence))

    def _drop(self, number: int) -> None:
        self._held.pop(number)[1].cancel()
        self._in_hand.close(number)
        self._log.warning("partition_lost", partition=number)

    async def _give_back(self, number: int) -> None:
        try:
            fence = self._held[number][0]
            await self._run_empty([number], self._leave_budget_s)
            await leases.release(self._pool, self._holder, number, fence)
            if number in self._held and self._held[number][0] == fence:
                del self._held[number]
            self._log.info("partition_given_back", partition=number)
        except StoreTrouble as broken:
            self._log.warning("partition_not_given_back", partition=number, error=repr(broken))
        finally:
            self._leaving.discard(number)

    async def _run_empty(self, numbers: Iterable[int], budget_s: float) -> None:
        """No more messages, no new turns; returns when the running ones have ended or the budget is used up."""
        chosen = [number for number in numbers if number in self._held]
        tasks = [self._held[number][1] for number in chosen]
        for number, task in zip(chosen, tasks, strict=True):
            self._in_hand.close(number)
            task.cancel()
        try:
            async with asyncio.timeout(budget_s):
                if tasks:
                    await asyncio.wait(tasks)
                for number in chosen:
                    await self._in_hand.until_empty(number)
        except TimeoutError:
            left = sum(self._in_hand.count(number) for number in chosen)
            self._log.warning("turns_left_to_the_next_owner", count=left)


def _now() -> float:
    return asyncio.get_running_loop().time()
