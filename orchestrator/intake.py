"""From the bus into the lanes: one durable consumer per owned partition (DESIGN 3)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.runtime.logs import Log
from aiox.runtime.nats import INBOUND, Reconnects, inbound_consumer, inbound_subject
from aiox.wire.codec import NotAnEvent, decode
from orchestrator.deliveries import Delivery, InHand
from orchestrator.proofs import Turn

ACK_WAIT_S: Final = 60
MAX_ACK_PENDING: Final = 256
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0
_REQUEST_S: Final = 3.0

Put = Callable[[Delivery], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Intake:
    """Takes messages from the bus, once each, in order per partition."""

    bus: Client
    reconnects: Reconnects
    in_hand: InHand
    put: Put
    log: Log

    async def drain(self, partition: int, fence: int) -> None:
        """Takes a partition's messages until cancelled.

        Starts with a fresh consumer, so that what a dead owner had comes at once, and what a slow one still holds no
        longer reaches it. So it does each time the bus has been away: what was under way then was lost with the
        connection, and would be delivered again only after ACK_WAIT_S.
        """
        seen, pause = 0, _FIRST_PAUSE_S
        while True:
            reconnected = self.reconnects.next()
            taker = _Taker(self, partition, fence)
            inbox = self.bus.new_inbox()
            try:
                stream = self.bus.jetstream(timeout=_REQUEST_S)
                taker.suspect_until = seen = max(seen, await _forget_consumer(stream, partition))
                _end_if_cancelled()
                subscription = await self.bus.subscribe(inbox, cb=taker.take)
                try:
                    await stream.add_consumer(INBOUND, _consumer(partition, inbox))
                    _end_if_cancelled()
                    pause = _FIRST_PAUSE_S
                    await reconnected.wait()
                finally:
                    seen = max(seen, taker.last)
                    with contextlib.suppress(NatsError):
                        await subscription.unsubscribe()
            except (NatsError, TimeoutError, OSError) as broken:
                _end_if_cancelled()
                self.log.warning("partition_waits_for_the_bus", partition=partition, error=repr(broken))
                await asyncio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_S)


def _end_if_cancelled() -> None:
    """Up to Python 3.11 wait_for, in which nats-py asks, swallows a cancellation that comes with its result (gh-86296).

    Whoever went on would take the partition from its next owner as soon as the bus comes back, and conclude nothing.
    """
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def _forget_consumer(stream: JetStreamContext, partition: int) -> int:
    """Deletes the consumer of the owner before; returns the last sequence that owner was given."""
    name = inbound_consumer(partition)
    try:
        info = await stream.consumer_info(INBOUND, name)
        await stream.delete_consumer(INBOUND, name)
    except NotFoundError:
        return 0
    return int(info.delivered.stream_seq) if info.delivered is not None else 0


def _consumer(partition: int, inbox: str) -> ConsumerConfig:
    """The server pushes, at most MAX_ACK_PENDING unacknowledged: nats-py's pull waits for a whole batch."""
    return ConsumerConfig(
        durable_name=inbound_consumer(partition),
        deliver_subject=inbox,
        filter_subject=inbound_subject(partition),
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_ack_pending=MAX_ACK_PENDING,
        mem_storage=True,  # it is made anew whenever the bus was away: kept on disk it costs two files a message
    )


class _Taker:
    """Takes what one consumer delivers. Up to `suspect_until` it may have been in somebody's hands before."""

    def __init__(self, intake: Intake, partition: int, fence: int) -> None:
        self._intake = intake
        self._partition = partition
        self._fence = fence
        self.suspect_until = 0
        self.last = 0

    async def take(self, message: Msg) -> None:
        """Puts a message into its lane, unless it is in hand already."""
        try:
            envelope = _received(message.data)
        except NotAnEvent as wrong:
            self._intake.log.error("poison_on_the_bus", partition=self._partition, error=str(wrong))
            await message.term()
            return
        sequence = message.metadata.sequence.stream
        self.last = max(self.last, sequence)
        suspect = sequence <= self.suspect_until or message.metadata.num_delivered > 1
        delivery = Delivery(Turn(envelope, self._partition, self._fence, sequence, suspect), message)
        if not self._intake.in_hand.take(delivery):
            return
        try:
            await self._intake.put(delivery)
        except asyncio.CancelledError:  # it waited for room when the partition was given up
            self._intake.in_hand.let_go(delivery)
            raise


def _received(data: bytes) -> Envelope[MessageReceived]:
    """Raises NotAnEvent."""
    event = decode(data)
    if not isinstance(event.payload, MessageReceived):
        raise NotAnEvent(event.type)
    return Envelope(
        event.id,
        event.type,
        event.version,
        event.tenant,
        event.channel,
        event.correlation_id,
        event.causation_id,
        event.occurred_at,
        event.producer,
        event.traceparent,
        event.payload,
    )
