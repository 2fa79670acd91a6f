"""Looks again and again, and shows what changed."""

from __future__ import annotations

import asyncio
from collections import deque

import aiohttp
from rich.console import Console, RenderableType
from rich.live import Live

from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.top.look import Look, look
from aiox.cli.top.reckon import reckon
from aiox.cli.top.screen import screen
from aiox.runtime.clock import Clock
from aiox.runtime.settings import Settings

_KEPT = 200
"""Rates that the small chart has at most."""
_FIRST_S = 1.0
"""Between the first two looks: the first figures are soon there."""


async def run_top(
    settings: Settings, clock: Clock, *, once: bool, every_s: float, console: Console | None = None
) -> None:
    """Until interrupted, or `once`. Raises CannotGoOn when no service of the hub answers at the start."""
    shown = console or Console()
    turns: deque[float] = deque(maxlen=_KEPT)
    async with aiohttp.ClientSession() as session:
        before = await look(session, settings, clock)
        if not before.seen:
            raise CannotGoOn(f"no service of the hub at {settings.home} answers. Mend: start it with 'aiox up'.")
        await asyncio.sleep(_FIRST_S)
        if once:
            after = await look(session, settings, clock)
            shown.print(_drawn(before, after, turns, settings, shown))
            return
        with Live(console=shown, screen=True, auto_refresh=False) as live:
            while True:
                after = await look(session, settings, clock)
                live.update(_drawn(before, after, turns, settings, shown), refresh=True)
                before = after
                await asyncio.sleep(every_s)


def _drawn(before: Look, after: Look, turns: deque[float], settings: Settings, shown: Console) -> RenderableType:
    said = reckon(before, after)
    turns.append(said.turns)
    return screen(said, turns, settings.domain, shown.width)
