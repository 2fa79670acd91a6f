"""Answers that always take the same time, where how long they took would tell who has an account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from aiox.runtime.clock import Clock


@asynccontextmanager
async def steady(clock: Clock, seconds: float) -> AsyncIterator[None]:
    """Ends so many seconds after it began, whatever happens inside; later only when that took longer."""
    until = clock.monotonic() + seconds
    try:
        yield
    finally:
        await asyncio.sleep(max(0.0, until - clock.monotonic()))
