"""Keeps this orchestrator's partition leases: takes what is free, renews what it holds, drops what it lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool, StoreTrouble
from aiox.runtime.supervisor import Supervisor
from registry import leases

LEASE_S = 4.5
RENEW_S = 1.5


class Partitions:
    """Starts `drain(partition, fence)` for each lease won, and cancels it when the lease is lost."""

    def __init__(
        self,
        pool: Pool,
        holder: str,
        drain: Callable[[int, int], Coroutine[Any, Any, None]],
        supervisor: Supervisor,
        log: Log,
    ) -> None:
        self._pool = pool
        self._holder = holder
        self._drain = drain
        self._supervisor = supervisor
        self._log = log
        self._held: dict[int, tuple[int, asyncio.Task[None]]] = {}

    @property
    def count(self) -> int:
        """How many partitions are held now."""
        return len(self._held)

    async def run(self) -> None:
        """Renews until cancelled; then gives everything back."""
        try:
            while True:
                await self._renew()
                await asyncio.sleep(RENEW_S)
        finally:
            for _, task in self._held.values():
                task.cancel()
            await leases.release(self._pool, self._holder, list(self._held))

    async def _renew(self) -> None:
        try:
            async with asyncio.timeout(LEASE_S - RENEW_S):
                kept = await leases.renew(self._pool, self._holder, LEASE_S)
                won = await leases.take(self._pool, self._holder, LEASE_S)
        except (*StoreTrouble, TimeoutError) as broken:
            self._log.warning("leases_not_renewed", error=repr(broken))
            return
        for partition in [number for number, (fence, _) in self._held.items() if kept.get(number) != fence]:
            self._held.pop(partition)[1].cancel()
            self._log.warning("partition_lost", partition=partition)
        for partition, (_, task) in self._held.items():
            if task.done():
                self._held[partition] = (kept[partition], self._start(partition, kept[partition]))
        for partition, fence in won.items():
            self._held[partition] = (fence, self._start(partition, fence))
        if won:
            self._log.info("partitions_taken", count=len(won), held=len(self._held))

    def _start(self, partition: int, fence: int) -> asyncio.Task[None]:
        return self._supervisor.run_once(f"partition {partition}", self._drain(partition, fence))
