"""From the bus into the lanes: one durable consumer per owned partition (DESIGN 3)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy
from nats.js.errors import NotFoundError

from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.runtime.logs import Log
from aiox.runtime.nats import INBOUND, inbound_consumer, inbound_subject
from aiox.wire.codec import NotAnEvent, decode
from orchestrator.proofs import Turn

ACK_WAIT_S = 60
MAX_ACK_PENDING = 256


@dataclass(frozen=True, slots=True)
class Delivery:
    """A turn, and the bus message to acknowledge when it is concluded."""

    turn: Turn
    message: Msg


Put = Callable[[Delivery], Awaitable[None]]


async def drain_partition(bus: Client, put: Put, log: Log, partition: int, fence: int) -> None:
    """Takes a partition's messages until cancelled.

    Starts with a fresh consumer, so that what a dead owner had comes at once, and what a slow one still holds no longer
    reaches it. The server pushes, at most MAX_ACK_PENDING unacknowledged: nats-py's pull waits for a whole batch.
    """
    stream, name = bus.jetstream(), inbound_consumer(partition)
    try:
        await stream.delete_consumer(INBOUND, name)
    except NotFoundError:
        log.debug("consumer_is_new", partition=partition)
    inbox = bus.new_inbox()

    async def take(message: Msg) -> None:
        await _take(message, partition, fence, put, log)

    subscription = await bus.subscribe(inbox, cb=take)
    config = ConsumerConfig(
        durable_name=name,
        deliver_subject=inbox,
        filter_subject=inbound_subject(partition),
        deliver_policy=DeliverPolicy.ALL,
        ack_policy=AckPolicy.EXPLICIT,
        ack_wait=ACK_WAIT_S,
        max_ack_pending=MAX_ACK_PENDING,
    )
    try:
        await stream.add_consumer(INBOUND, config)
        await asyncio.Event().wait()
    finally:
        await subscription.unsubscribe()


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
