"""What comes in time is told from what does not; either way the next one is waited for anew."""

from __future__ import annotations

import asyncio

from aiox.runtime.waiting import came


async def test_what_came_before_or_comes_meanwhile_came() -> None:
    event = asyncio.Event()
    event.set()
    assert await came(event, 0.0)
    assert not event.is_set()
    asyncio.get_running_loop().call_later(0.01, event.set)
    assert await came(event, 30.0)


async def test_what_does_not_come_is_not_waited_for_for_ever() -> None:
    assert not await came(asyncio.Event(), 0.01)


async def test_who_is_cancelled_meanwhile_ends() -> None:
    waiting = asyncio.ensure_future(came(asyncio.Event(), 30.0))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting], timeout=30.0)
    assert waiting.cancelled()
