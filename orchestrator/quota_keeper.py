"""Keeps the quota counters true: sees when Redis has forgotten, and has them rebuilt (registry/quota_memory.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiox.runtime.logs import Log, describe
from aiox.runtime.postgres import StoreTrouble
from registry.quotas import QuotaUnavailable

EVERY_S: Final = 1.0
AGAIN_S: Final = 0.1
"""While the counters do not count."""
PATIENCE_S: Final = 3.0
"""How long a turn waits for a Redis that starts anew."""
PATIENCE_WITH_SENTINELS_S: Final = 30.0
"""And for another one to be chosen in the place of the one that was lost."""

Check = Callable[[], Awaitable[bool]]
"""QuotaMemory.check."""


class QuotaKeeper:
    """Start `run`; `whole` waits."""

    def __init__(self, check: Check, log: Log, patience_s: float = PATIENCE_S) -> None:
        self._check = check
        self._patience_s = patience_s
        self._log = log
        self._asked = asyncio.Event()
        self._whole = asyncio.Event()
        self._said = False

    async def whole(self) -> bool:
        """Has it looked at once, and waits for `patience_s` until the counters count; false when they do not."""
        self._whole.clear()
        self._asked.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience_s):
                await self._whole.wait()
        return self._whole.is_set()

    async def run(self) -> None:
        """Looks until cancelled."""
        while True:
            whole = await self._look()
            if whole:
                self._whole.set()
            with suppress(TimeoutError):
                async with asyncio.timeout(EVERY_S if whole else AGAIN_S):
                    await self._asked.wait()
            self._asked.clear()

    async def _look(self) -> bool:
        try:
            whole, why = await self._check(), "the counters are rebuilt"
        except (QuotaUnavailable, *StoreTrouble, TimeoutError) as away:
            whole, why = False, describe(away)
        if whole and self._said:
            self._log.info("quota_counted_again")
        elif not whole and not self._said:
            self._log.warning("quota_not_counted", reason=why)
        self._said = not whole
        return whole
