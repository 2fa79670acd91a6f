"""Once an hour, what was kept long enough goes. Any number of orchestrators may do it."""

from __future__ import annotations

import asyncio

from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool, StoreTrouble
from registry import chat_files
from registry.retention import sweep_memories, sweep_requests, sweep_sessions, sweep_turns

EVERY_S = 3600.0


async def sweep_for_ever(pool: Pool, clock: Clock, log: Log) -> None:
    """Runs until cancelled; a store that is away is asked again an hour later."""
    while True:
        try:
            gone = await sweep_turns(pool) + await sweep_requests(pool) + await sweep_sessions(pool)
            gone += await sweep_memories(pool, clock.now()) + await chat_files.sweep(pool)
        except StoreTrouble as away:
            log.warning("retention_waits", error=repr(away))
        else:
            if gone:
                log.info("retention", rows=gone)
        await asyncio.sleep(EVERY_S)
