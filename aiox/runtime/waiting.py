"""Waiting for something, but not for ever."""

from __future__ import annotations

import asyncio
from contextlib import suppress


async def came(event: asyncio.Event, seconds: float) -> bool:
    """Waits for an event, so many seconds at most, and clears it. Returns whether it came."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()
    is_set = event.is_set()
    event.clear()
    return is_set
