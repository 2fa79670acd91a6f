"""What the loop guard stops gets no answer, and stands in the ledger."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final
from uuid import uuid4

from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from component.loop_guard import Heard, LoopGuard
from component.metrics import MESSAGES
from component.stanzas_in import Question
from policy.ledger import Record

STOPPED: Final = "loop.stopped"
WAITING: Final = 256
RETRY_S: Final = 2.0

Append = Callable[[Sequence[Record]], Awaitable[None]]
"""Puts rows on the ledger and returns when they are durable. Raises what the store raises; then they are not there."""


class Loops:
    """Lets questions in, or stops what programs say to each other without end. `work` is a task to start once."""

    def __init__(self, guard: LoopGuard, append: Append, clock: Clock, log: Log) -> None:
        self._guard = guard
        self._append = append
        self._clock = clock
        self._log = log
        self._stops: asyncio.Queue[Record] = asyncio.Queue(WAITING)

    def lets_in(self, question: Question) -> bool:
        """Whether the question may be asked."""
        received = question.received
        heard = self._guard.hear(question.stanza, received.sender, received.agent_jid, self._clock.monotonic())
        if heard is Heard.GO_ON:
            return True
        MESSAGES.labels("LOOP_STOPPED").inc()
        if heard is Heard.STOP:
            self._log.warning("loop_stopped", sender=received.sender, agent_id=str(received.agent_id))
            if self._stops.full():
                self._log.error("loop_stop_not_on_record", sender=received.sender)
            else:
                self._stops.put_nowait(self._record(question))
        return False

    async def work(self) -> None:
        """Puts what was stopped on record, and tries again while the store is away. For ever."""
        while True:
            record = await self._stops.get()
            while True:
                try:
                    await self._append([record])
                    break
                except Exception as failed:  # noqa: BLE001 -- the store may be away; the row waits
                    self._log.warning("loop_stop_waits_for_the_ledger", error=describe(failed))
                    await asyncio.sleep(RETRY_S)

    def _record(self, question: Question) -> Record:
        received = question.received
        return Record(
            id=uuid4(),
            owner=HUB_OWNER,
            event_type=STOPPED,
            severity="warning",
            details={"agent_id": str(received.agent_id), "turn_id": str(received.turn_id)},
            created_at=self._clock.now(),
            actor=received.sender,
            correlation_id=received.turn_id,
            request_id=received.turn_id,
        )
