"""Pieces of answers as they come over core NATS, for one person who listens. Bounded: what does not fit is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from typing import Final
from uuid import uuid4

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError

from aiox.kernel.envelope import CancelAsked, Envelope, LiveDelta, LiveWanted
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import Clock
from aiox.runtime.nats import CANCEL, LIVE_WANTED, NotStored, live_subject
from aiox.wire.codec import NotAnEvent, decode, encode

WAITING: Final = 256
"""Pieces that wait for a slow reader; the stored answer is whole all the same."""

Pieces = asyncio.Queue[LiveDelta]
Listen = Callable[[BareJid], AbstractAsyncContextManager[Pieces]]
"""What is said live to this person, for as long as the context is open."""

Want = Callable[[BareJid], Awaitable[None]]
"""Says that this person reads their chats now. It counts for some seconds (orchestrator.live), and may get lost."""


async def unwanted(_jid: BareJid) -> None:
    """Says nothing."""


async def tell_wanted(client: Client, clock: Clock, jid: BareJid) -> None:
    """Tells the orchestrators that somebody reads. A bus that is away costs the pieces, never the answer."""
    event_id = uuid4()
    event = Envelope(
        id=event_id,
        type="live.wanted",
        version=1,
        tenant=None,
        channel="",
        correlation_id=event_id,
        causation_id=event_id,
        occurred_at=clock.now(),
        producer="gateway",
        traceparent="",
        payload=LiveWanted(jid),
    )
    with suppress(NatsError, OSError):
        await client.publish(LIVE_WANTED, encode(event))


@asynccontextmanager
async def deaf(_jid: BareJid) -> AsyncIterator[Pieces]:
    """Hears nothing: answers are read from the store only."""
    yield asyncio.Queue()


async def nobody(_event: Envelope[CancelAsked]) -> None:
    """Tells nobody: the mark at the turn is read before a worker is asked."""


async def tell_cancel(client: Client, event: Envelope[CancelAsked]) -> None:
    """Tells the orchestrators at once. Raises NotStored."""
    try:
        await client.publish(CANCEL, encode(event))
        await client.flush(timeout=2)
    except (NatsError, TimeoutError, OSError) as gone:
        raise NotStored(repr(gone)) from gone


@asynccontextmanager
async def listen(client: Client, jid: BareJid) -> AsyncIterator[Pieces]:
    """Hears from the moment it is entered: what is published over the same connection afterwards is answered later."""
    pieces: Pieces = asyncio.Queue(WAITING)

    async def take(message: Msg) -> None:
        with suppress(NotAnEvent):
            payload = decode(message.data).payload
            if isinstance(payload, LiveDelta) and (not pieces.full() or payload.ended):
                _put(pieces, payload)

    subscription = await client.subscribe(live_subject(jid), cb=take)
    try:
        yield pieces
    finally:
        with suppress(NatsError):
            await subscription.unsubscribe()


def _put(pieces: Pieces, piece: LiveDelta) -> None:
    if pieces.full():  # the end matters more than a piece before it
        pieces.get_nowait()
    pieces.put_nowait(piece)
