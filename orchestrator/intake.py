"""From the bus into the lanes: one durable consumer per owned partition (DESIGN 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.runtime.logs import Log
from aiox.runtime.nats import INBOUND, inbound_consumer, inbound_subject
from aiox.wire.codec import NotAnEvent, decode
from orchestrator.proofs import Turn

ACK_WAIT_S = 60
MAX_ACK_PENDING = 256
_BATCH = 64
_POLL_S = 20.0


@dataclass(frozen=True, slots=True)
class Delivery:
    """A turn, and the bus message to acknowledge when it is concluded."""

    turn: Turn
    message: Msg


Put = Callable[[Delivery], Awaitable[None]]


async def drain_partition(stream: JetStreamContext, partition: int, fence: int, put: Put, log: Log) -> None:
    """Reads a partition until cancelled. Starts with a fresh consumer, so that what a dead owner had comes at once."""
    name = inbound_consumer(partition)
    try:
        await stream.delete_consumer(INBOUND, name)
    except NotFoundError:
        log.debug("consumer_is_new", partition=partition)
    config = ConsumerConfig(
        durable_name=name,
        filter_subject=inbound_subject(partition),
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_ack_pending=MAX_ACK_PENDING,
    )
    await stream.add_consumer(INBOUND, config)
    subscription = await stream.pull_subscribe_bind(consumer=name, stream=INBOUND)
    while True:
        try:
            messages = await subscription.fetch(_BATCH, timeout=_POLL_S)
        except TimeoutError:
            continue
        except NatsError as broken:
            log.warning("fetch_failed", partition=partition, error=repr(broken))
            await asyncio.sleep(0.5)
            continue
        for message in messages:
            await _take(message, partition, fence, put, log)


async def _take(message: Msg, partition: int, fence: int, put: Put, log: Log) -> None:
    try:
        event = decode(message.data)
        if not isinstance(event.payload, MessageReceived):
            raise NotAnEvent(event.type)
    except NotAnEvent as wrong:
        log.error("poison_on_the_bus", partition=partition, error=str(wrong))
        await message.term()
        return
    envelope = Envelope(
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
    sequence = message.metadata.sequence.stream
    await put(Delivery(Turn(envelope, partition, fence, sequence), message))
