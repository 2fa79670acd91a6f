"""The bus: connection, the inbound stream with its durability, subjects (DESIGN 3)."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

import nats
import stamina
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.js import JetStreamContext
from nats.js.api import DiscardPolicy, RetentionPolicy, StorageType, StreamConfig
from nats.js.errors import NotFoundError, ServiceUnavailableError

from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.kernel.ids import PARTITIONS, partition_of
from aiox.runtime.logs import Log
from aiox.runtime.operation_settings import addresses
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.wire.codec import encode

INBOUND: Final = "AIOX_IN"
OUTBOX_READY: Final = "aiox.out"
WORKER_BEAT: Final = "aiox.worker.beat"
PRESSURE: Final = "aiox.pressure"
"""How full the orchestrators are, for the doors."""
CANCEL: Final = "aiox.cancel"
"""Turns that whoever asked them over HTTP wants stopped, for all orchestrators."""
ANSWERED: Final = "aiox.answered"
"""What agents of other hubs have answered ours, for all orchestrators."""
LIVE_WANTED: Final = "aiox.live_wanted"
"""Who reads their chats in the pages now, for all orchestrators."""
DUPLICATE_WINDOW_S: Final = 120
STORE_TIMEOUT_S: Final = 5.0
REPLICAS: Final = 3
ELECTION_S: Final = 30.0
"""How long nodes of a cluster may take to agree on who leads, in seconds."""


class NotStored(Exception):
    """The bus is down, full or too slow: the message was not stored and may be sent again under the same id."""


class BusNotDurable(Exception):
    """The bus would acknowledge before it has written. The message says how to mend it."""


def inbound_subject(partition: int) -> str:
    """Where the door puts a message of this partition."""
    return f"aiox.in.{partition}"


def live_subject(jid: str) -> str:
    """Where pieces of answers go to the person with this bare JID, while they listen. One token, whatever the JID."""
    return f"aiox.live.{hashlib.blake2b(jid.encode(), digest_size=16).hexdigest()}"


def inbound_consumer(partition: int) -> str:
    """The durable consumer of a partition."""
    return f"in-{partition}"


class Reconnects:
    """Tells who waits for it that the connection has come back: what was under way before is lost."""

    def __init__(self) -> None:
        self._next = asyncio.Event()

    def next(self) -> asyncio.Event:
        """Set at the first reconnect from now on."""
        return self._next

    def happened(self) -> None:
        """The connection is back."""
        self._next.set()
        self._next = asyncio.Event()


async def connect(
    settings: Settings, secrets: Secrets, service: str, log: Log, reconnects: Reconnects | None = None
) -> Client:
    """A connection that comes back for ever, and then says so to `reconnects`.

    Raises nats.errors.NoServersError when there is none at start.
    """

    async def failed(error: Exception) -> None:
        log.warning("nats_error", error=repr(error))

    async def lost() -> None:
        log.warning("nats_disconnected")

    async def back() -> None:
        log.info("nats_reconnected")
        if reconnects is not None:
            reconnects.happened()

    return await nats.connect(
        servers(settings),
        user=service,
        password=secrets.read("nats"),
        name=service,
        # Answers come back under a prefix of the service's own: the bus lets nobody listen to another's.
        inbox_prefix=f"_INBOX.{service}",
        error_cb=failed,
        disconnected_cb=lost,
        reconnected_cb=back,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.5,
        allow_reconnect=True,
    )


def servers(settings: Settings) -> list[str]:
    """Where NATS is: each node of it."""
    return [f"nats://{host}:{port}" for host, port in addresses(settings.hosts.nats, settings.ports.nats)]


async def ensure_inbound(stream: JetStreamContext, settings: Settings) -> None:
    """Creates the inbound stream, or brings an older one up to these settings.

    Of a cluster of three every node holds each message, and it is stored when two have written it.
    Work queue: a message leaves when acknowledged. discard=new with a byte limit: when full, admission is refused;
    the default would throw away the oldest admitted message.
    """
    wanted = StreamConfig(
        name=INBOUND,
        subjects=[inbound_subject(number) for number in range(PARTITIONS)],
        retention=RetentionPolicy.WORK_QUEUE,
        storage=StorageType.FILE,
        discard=DiscardPolicy.NEW,
        max_bytes=settings.limits.inbound_bytes,
        duplicate_window=DUPLICATE_WINDOW_S,
        num_replicas=REPLICAS if len(servers(settings)) >= REPLICAS else 1,
    )
    async for attempt in stamina.retry_context(on=ServiceUnavailableError, timeout=ELECTION_S, attempts=None):
        with attempt:
            await _ensure(stream, wanted)


async def _ensure(stream: JetStreamContext, wanted: StreamConfig) -> None:
    try:
        await stream.stream_info(INBOUND)
    except NotFoundError:
        await stream.add_stream(wanted)
        return
    await stream.update_stream(wanted)


async def put_inbound(client: Client, envelope: Envelope[MessageReceived]) -> None:
    """Puts a message on the subject of its conversation; returns when it is on disk. Raises NotStored."""
    if not client.is_connected:
        # The client would keep it and send it later, long after the sender was told to try again.
        raise NotStored("not connected")
    message = envelope.payload
    subject = inbound_subject(partition_of(message.sender, message.agent_id))
    try:
        await client.jetstream(timeout=STORE_TIMEOUT_S).publish(
            subject, encode(envelope), stream=INBOUND, headers={"Nats-Msg-Id": str(message.turn_id)}
        )
    except (NatsError, TimeoutError, OSError) as failed:
        raise NotStored(repr(failed)) from failed
