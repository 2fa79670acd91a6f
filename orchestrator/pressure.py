"""Tells the doors how full this orchestrator is: they refuse before anything was promised (policy/pressure.py)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import uuid4

from nats.errors import Error as NatsError

from aiox.kernel.envelope import Envelope
from aiox.kernel.envelope import Pressure as Said
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.nats import PRESSURE
from aiox.wire.codec import encode
from policy.pressure import Pace

EVERY_S: Final = 0.2
CALM_EVERY: Final = 5
"""While nothing is scarce and no turn ends, it is said with each fifth look only."""

Publish = Callable[[str, bytes], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Fill:
    """What is known at a moment: turns taken and not ended, turns ended since the start, places of all workers."""

    open: int
    ended: int
    places: int


class Pressure:
    """Start `run`. `orchestrator` is the name of this process among its kind."""

    def __init__(self, fill: Callable[[], Fill], publish: Publish, orchestrator: str, clock: Clock, log: Log) -> None:
        self._fill = fill
        self._publish = publish
        self._orchestrator = orchestrator
        self._clock = clock
        self._log = log

    async def run(self) -> None:
        """Says it until cancelled. A bus that is away costs the word: the doors then let everybody in for a while."""
        before, at, pace, calm = self._fill(), self._clock.monotonic(), Pace(), 0
        while True:
            await asyncio.sleep(EVERY_S)
            now, fill = self._clock.monotonic(), self._fill()
            scarce = before.open > before.places and fill.open > fill.places
            pace = pace.after(fill.ended - before.ended, now - at, scarce)
            calm = 0 if scarce or fill.ended != before.ended else calm + 1
            before, at = fill, now
            if calm % CALM_EVERY == 0:
                await self._say(Said(self._orchestrator, fill.open, fill.places, pace.sure))

    async def _say(self, said: Said) -> None:
        event_id = uuid4()
        event = Envelope(
            id=event_id,
            type="pressure",
            version=1,
            tenant=None,
            channel="",
            correlation_id=event_id,
            causation_id=event_id,
            occurred_at=self._clock.now(),
            producer=self._orchestrator,
            traceparent="",
            payload=said,
        )
        try:
            await self._publish(PRESSURE, encode(event))
        except (NatsError, OSError) as gone:
            self._log.debug("pressure_not_said", error=repr(gone))
