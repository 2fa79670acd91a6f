"""Answers that always take the same time, where how long they took would tell who has an account."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import ceil

from aiox.runtime.clock import Clock


@asynccontextmanager
async def steady(clock: Clock, seconds: float) -> AsyncIterator[None]:
    """Ends a whole number of times so many seconds after it began, whatever happens inside; 0: at once.

    Once is enough but on a hub that is very busy: then what took a little longer than another does not show either.
    """
    began = clock.monotonic()
    try:
        yield
    finally:
        await asyncio.sleep(_left(clock.monotonic() - began, seconds))


def _left(took: float, step: float) -> float:
    """Seconds until the next whole number of steps."""
    return max(1, ceil(took / step)) * step - took if step else 0.0
