"""Files that nothing speaks of any more are deleted from the object store. Any number of orchestrators may do it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from aiox.runtime.logs import Log, describe
from aiox.runtime.objects.port import ObjectStore
from aiox.runtime.postgres import Pool
from registry import dropped_objects

EVERY_S: Final = 2.0
LOOKED_THROUGH_S: Final = 3600.0
"""How often the whole store is looked through, and how old an object without a row must be: uploads take a while."""
_BATCH: Final = 100


@dataclass(frozen=True, slots=True)
class ObjectSweep:
    """A deleted row's object goes within seconds; what a dying gateway stored without a row, within two hours."""

    pool: Pool
    objects: ObjectStore
    log: Log

    async def run(self) -> None:
        """Looks every few seconds, until cancelled. What fails is said and tried again with the next look."""
        looks = 0
        while True:
            try:
                await self.drop()
                if looks % round(LOOKED_THROUGH_S / EVERY_S) == 0:
                    await self.look_through()
                looks += 1
            except Exception as broken:  # noqa: BLE001 -- the boundary: a store that is away comes back
                self.log.warning("object_sweep_waits", error=describe(broken))
            await asyncio.sleep(EVERY_S)

    async def drop(self) -> int:
        """Deletes the objects of rows that are gone; returns how many. Object first: should it break off, it is found
        again. Raises what the stores raise.
        """
        gone = 0
        while found := await dropped_objects.find(self.pool, _BATCH):
            for name in found:
                await self.objects.delete(name)
            await dropped_objects.done(self.pool, found)
            gone += len(found)
        return gone

    async def look_through(self, age_s: float = LOOKED_THROUGH_S) -> int:
        """Deletes objects older than `age_s` that belong to no row; returns how many. Raises what the stores raise."""
        found = await self.objects.older(age_s)
        unknown = [
            one
            for at in range(0, len(found), _BATCH)
            for one in await dropped_objects.unknown(self.pool, found[at : at + _BATCH])
        ]
        for name in unknown:
            await self.objects.delete(name)
        if unknown:
            self.log.info("objects_without_row_deleted", objects=len(unknown))
        return len(unknown)
