"""Pieces of answers on their way to who asked: core NATS, nobody waits, what does not fit is dropped.

Who asked over HTTP may listen; of who chats, only those get pieces who read in the pages just now, so that a piece
costs nothing where nobody sees it.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

from nats.errors import Error as NatsError

from aiox.kernel.envelope import HTTP, Envelope, LiveDelta, LiveWanted
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.nats import live_subject
from aiox.wire.codec import encode
from orchestrator.proofs import Turn

MAX_WAITING: Final = 4096
"""Pieces of all turns of this orchestrator that wait for the bus; more are dropped."""

WANTED_S: Final = 15.0
"""How long the word counts that somebody reads; the gateways say it three times as often."""
READERS: Final = 10_000
"""People who read at a time, as one orchestrator knows them; who was heard of longest ago is forgotten."""

Publish = Callable[[str, bytes], Awaitable[None]]
"""Puts bytes on a subject of core NATS."""


class Live:
    """Takes pieces without waiting; `run` is a task to start once."""

    def __init__(self, publish: Publish, clock: Clock, log: Log) -> None:
        self._publish = publish
        self._clock = clock
        self._log = log
        self._waiting: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue(MAX_WAITING)
        self._readers: OrderedDict[BareJid, float] = OrderedDict()

    def now_ms(self) -> int:
        """What tells an attempt from the one before."""
        return round(self._clock.now().timestamp() * 1000)

    def heard(self, wanted: LiveWanted) -> None:
        """Somebody reads their chats now."""
        self._readers[wanted.jid] = self._clock.monotonic() + WANTED_S
        self._readers.move_to_end(wanted.jid)
        if len(self._readers) > READERS:
            self._readers.popitem(last=False)

    def wants(self, turn: Turn) -> bool:
        """Whether somebody may read the answer while it is written."""
        return turn.envelope.channel == HTTP or self._readers.get(turn.message.sender, 0.0) > self._clock.monotonic()

    def tell(self, turn: Turn, attempt: int, offset: int, text: str, *, ended: bool = False) -> None:
        """Sends a piece to who asked; does nothing where nobody may read it."""
        if not self.wants(turn) or self._waiting.full():
            return
        agent = None if turn.envelope.channel == HTTP else turn.message.agent_jid
        delta = LiveDelta(turn.message.turn_id, attempt, offset, text, ended, agent)
        event = Envelope(
            id=uuid4(),
            type="live.delta",
            version=1,
            tenant=turn.envelope.tenant,
            channel=turn.envelope.channel,
            correlation_id=turn.envelope.correlation_id,
            causation_id=turn.envelope.id,
            occurred_at=self._clock.now(),
            producer="orchestrator",
            traceparent="",
            payload=delta,
        )
        self._waiting.put_nowait((live_subject(turn.message.sender), encode(event)))

    async def run(self) -> None:
        """Publishes until cancelled. A bus that is away costs the pieces, never the answer."""
        while True:
            subject, data = await self._waiting.get()
            try:
                await self._publish(subject, data)
            except (NatsError, OSError) as gone:
                self._log.debug("piece_not_sent", error=repr(gone))
