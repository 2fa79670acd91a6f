"""Ends erasures: caches are cleared as long as a turn may be under way that began before (registry/erasures.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from uuid import uuid4

from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool, StoreTrouble
from orchestrator.versions import Versions
from policy.ledger import Record
from registry import erasures
from registry.erasures import CachesAway, OpenErasure

POLL_S = 1.0
BROKE_OFF_S = 30.0
"""An erasure that has not deleted anything after this time has lost whoever began it."""

Clear = Callable[[OpenErasure], Awaitable[None]]
"""Clears short-term memory. Raises CachesAway."""
Append = Callable[[Sequence[Record]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Erasures:
    """Any number of orchestrators may do it: each clears its own caches. After `settle_s` no old turn can be left."""

    pool: Pool
    clear: Clear
    versions: Versions
    append: Append
    clock: Clock
    log: Log
    settle_s: float

    async def run(self) -> None:
        """Polls until cancelled; a store that is away is asked again."""
        while True:
            try:
                for erasure in await erasures.find_open(self.pool):
                    await self._advance(erasure)
            except (*StoreTrouble, CachesAway) as away:
                self.log.warning("erasures_wait", error=repr(away))
            await asyncio.sleep(POLL_S)

    async def _advance(self, erasure: OpenErasure) -> None:
        if not erasure.erased:
            if erasure.age_s > BROKE_OFF_S:
                await self._erase(erasure)
            return
        if erasure.person.account is not None:
            self.versions.forget(erasure.person.account)
        await self.clear(erasure)
        if erasure.age_s > self.settle_s:
            await erasures.finish(self.pool, erasure.id)
            self.log.info("erasure_finished", erasure_id=str(erasure.id))

    async def _erase(self, erasure: OpenErasure) -> None:
        rows = await erasures.erase(self.pool, erasure.person)
        account = erasure.person.account
        record = Record(
            id=uuid4(),
            owner=account or HUB_OWNER,
            event_type="person.erased",
            severity="warning",
            details={"kind": "guest" if account is None else "account", "rows": rows, "taken_over": True},
            created_at=self.clock.now(),
            actor="",
        )
        await self.append([record])
