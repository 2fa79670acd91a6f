"""Presence requests: asked of the policy a few at a time, in bounded memory."""

from __future__ import annotations

import asyncio
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.jid import bare
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from component.admission import Send
from component.buckets import Buckets
from component.features.presence import SubscriptionPolicy, answer_presence

WAITING: Final = 1024
REQUESTS_PER_MINUTE: Final = 120
REQUEST_BURST: Final = 240
"""A client with many agents in its roster probes them all when it comes online."""


class Watchers:
    """Answers presence stanzas. What does not fit, or cannot be decided, is answered with silence."""

    def __init__(self, may_see: SubscriptionPolicy, send: Send, clock: Clock, log: Log) -> None:
        self._may_see = may_see
        self._send = send
        self._clock = clock
        self._log = log
        self._buckets = Buckets(REQUESTS_PER_MINUTE, REQUEST_BURST)
        self._waiting: asyncio.Queue[Element] = asyncio.Queue(WAITING)

    def receive(self, presence: Element) -> None:
        """Takes one presence stanza."""
        if presence.get("type", "") not in ("subscribe", "probe", "unsubscribe"):
            return
        if self._waiting.full() or not self._buckets.take(bare(presence.get("from", "")), self._clock.monotonic()):
            return
        self._waiting.put_nowait(presence)

    async def work(self) -> None:
        """Answers what waits, until cancelled."""
        while True:
            presence = await self._waiting.get()
            try:
                for answer in await answer_presence(presence, self._may_see):
                    self._send(answer)
            except Exception as failed:  # noqa: BLE001 -- fail closed: nothing is shown
                self._log.warning("presence_not_decided", error=repr(failed))
