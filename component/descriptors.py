"""Requests for descriptors: asked of the registry a few at a time, in bounded memory; each is answered."""

from __future__ import annotations

import asyncio
from typing import Final
from xml.etree.ElementTree import Element

from aiox.kernel.jid import bare
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from component.admission import Send
from component.buckets import Buckets
from component.features.acd import FindDescriptor, acd_error, answer_acd

WAITING: Final = 256
REQUESTS_PER_MINUTE: Final = 60
REQUEST_BURST: Final = 120


class Descriptors:
    """Answers iq stanzas for which `asks_descriptor` holds. What does not fit is refused with `wait`."""

    def __init__(self, find: FindDescriptor, send: Send, clock: Clock, log: Log) -> None:
        self._find = find
        self._send = send
        self._clock = clock
        self._log = log
        self._buckets = Buckets(REQUESTS_PER_MINUTE, REQUEST_BURST)
        self._waiting: asyncio.Queue[Element] = asyncio.Queue(WAITING)

    def receive(self, query: Element) -> None:
        """Takes one request."""
        if self._waiting.full() or not self._buckets.take(bare(query.get("from", "")), self._clock.monotonic()):
            self._send(acd_error(query, "wait", "resource-constraint"))
            return
        self._waiting.put_nowait(query)

    async def work(self) -> None:
        """Answers what waits, until cancelled."""
        while True:
            query = await self._waiting.get()
            try:
                answer = await answer_acd(query, self._find)
            except Exception as failed:  # noqa: BLE001 -- fail closed: nothing is shown
                self._log.warning("descriptor_not_found_out", error=describe(failed))
                answer = acd_error(query, "wait", "internal-server-error")
            if answer is not None:
                self._send(answer)
