"""The outbox: rows announced or found waiting are sent, and done only when the server has shown that it took them.

Component links acknowledge nothing, so a ping (XEP-0199) goes out behind what was sent; on its pong the rows are
marked. One ping is under way at a time and covers everything sent before it, so batches form by themselves.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Protocol
from uuid import UUID
from xml.etree.ElementTree import Element

from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.runtime.logs import Log
from aiox.runtime.steps import Step
from aiox.runtime.telemetry import Telemetry
from component.features.chat_states import Composing, state_message
from component.metrics import REPLIES
from component.stanzas_out import stanzas_of

SWEEP_S: Final = 5.0
SWEEP_LIMIT: Final = 256
CONFIRM_TIMEOUT_S: Final = 10.0
RETRY_S: Final = 1.0
REMEMBERED: Final = 20_000
"""Marked rows kept in mind: a sweep that read them just before they were marked must not send them again."""

Pending = Callable[[float, int], Awaitable[list[Envelope[OutboxReady]]]]
"""Rows not marked yet that are older than so many seconds, oldest first, at most so many."""

MarkSent = Callable[[Sequence[UUID]], Awaitable[None]]
"""Marks rows as done. Raises when the store is down; marking twice is harmless."""


class LinkLost(Exception):
    """The link to the server broke or went silent: what was sent may or may not have arrived."""


class Link(Protocol):
    """The stream to the server."""

    @property
    def up(self) -> bool:
        """Whether stanzas can be sent."""
        ...

    @property
    def session(self) -> int:
        """Number of the stream: another one after every reconnect."""
        ...

    def send(self, element: Element) -> bool:
        """Writes a stanza; False when there is no link."""
        ...

    async def confirm(self, timeout_s: float) -> None:
        """Returns once the server has taken all that was sent before the call. Raises LinkLost."""
        ...


class Outbox:
    """Sends outbox rows over a link, each conversation in the order in which its rows arrive here."""

    def __init__(
        self, link: Link, pending: Pending, mark_sent: MarkSent, composing: Composing, telemetry: Telemetry, log: Log
    ) -> None:
        self._link = link
        self._pending = pending
        self._mark_sent = mark_sent
        self._composing = composing
        self._telemetry = telemetry
        self._log = log
        self._in_flight: set[UUID] = set()
        self._marked: OrderedDict[UUID, None] = OrderedDict()
        self._unconfirmed: list[tuple[UUID, int]] = []
        self._sent = asyncio.Event()

    def take(self, envelope: Envelope[OutboxReady]) -> None:
        """Sends a row now. Without a link nothing happens: the row waits in the store for a sweep."""
        ready = envelope.payload
        if ready.outbox_id in self._in_flight or ready.outbox_id in self._marked or not self._link.up:
            return
        attributes = {"aiox.turn_id": str(ready.turn_id), "aiox.correlation_id": str(envelope.correlation_id)}
        with self._telemetry.span(Step.REPLIED, envelope.traceparent, attributes):
            if not all(self._link.send(stanza) for stanza in self._stanzas(ready)):
                return
        REPLIES.labels(ready.kind).inc()
        self._in_flight.add(ready.outbox_id)
        self._unconfirmed.append((ready.outbox_id, self._link.session))
        self._sent.set()

    async def confirm_for_ever(self) -> None:
        """Pings behind what was sent and marks it, until cancelled."""
        while True:
            await self._sent.wait()
            self._sent.clear()
            sent, self._unconfirmed = self._unconfirmed, []
            # A pong on a new stream says nothing about what was written to the old one.
            batch = [row for row, session in sent if session == self._link.session]
            try:
                await self._link.confirm(CONFIRM_TIMEOUT_S)
            except LinkLost as lost:
                self._log.warning("replies_not_confirmed", rows=len(batch), error=str(lost))
            else:
                await self._mark(batch)
            self._in_flight.difference_update(row for row, _ in sent)

    async def sweep_for_ever(self) -> None:
        """Sends the rows whose announcement or confirmation was lost, until cancelled."""
        while True:
            try:
                await self._sweep()
            except Exception as failed:  # noqa: BLE001 -- the store may be away; the rows are safe in it
                self._log.warning("outbox_sweep_failed", error=repr(failed))
            await asyncio.sleep(SWEEP_S)

    async def _sweep(self) -> None:
        if not self._link.up:
            return
        for envelope in await self._pending(SWEEP_S, SWEEP_LIMIT):
            self.take(envelope)

    async def _mark(self, batch: list[UUID]) -> None:
        while True:
            try:
                await self._mark_sent(batch)
            except Exception as failed:  # noqa: BLE001 -- confirmed rows stay in flight until the store is back
                self._log.warning("outbox_mark_failed", rows=len(batch), error=repr(failed))
                await asyncio.sleep(RETRY_S)
            else:
                break
        for row in batch:
            self._marked[row] = None
        while len(self._marked) > REMEMBERED:
            self._marked.popitem(last=False)

    def _stanzas(self, ready: OutboxReady) -> list[Element]:
        stanzas = stanzas_of(ready)
        # An answer carries <active/>; an error carries no state, so "composing" is ended behind it.
        if self._composing.ended(ready.turn_id) and ready.kind == "error":
            stanzas.append(state_message(ready.from_jid, ready.to_jid, "paused"))
        return stanzas
