"""Answers that were taken back leave short-term memory: the conversation is read again from what is still on record."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool, StoreTrouble
from registry import reactions
from registry.erasures import CachesAway
from registry.reactions import OpenRetraction

POLL_S: Final = 1.0

Forget = Callable[[OpenRetraction], Awaitable[None]]
"""Drops the conversation from short-term memory. Raises CachesAway."""


@dataclass(frozen=True, slots=True)
class Retractions:
    """Any number of orchestrators may do it; again is a no-op."""

    pool: Pool
    forget: Forget
    clock: Clock
    log: Log

    async def run(self) -> None:
        """Polls until cancelled; a store that is away is asked again."""
        while True:
            try:
                for one in await reactions.open_retractions(self.pool):
                    await self.forget(one)
                    await reactions.forgotten(self.pool, one, self.clock.now())
                    self.log.info("retracted_answer_forgotten", execution_id=str(one.execution))
            except (*StoreTrouble, CachesAway) as away:
                self.log.warning("retractions_wait", error=repr(away))
            await asyncio.sleep(POLL_S)
