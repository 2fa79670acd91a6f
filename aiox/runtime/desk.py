"""Commands over the bus, as a question and its answer (core NATS request/reply). Who asks and who answers are here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final
from uuid import uuid4

from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.errors import NoRespondersError

from aiox.kernel.command import CommandAnswered, CommandAsked
from aiox.kernel.envelope import XMPP, Envelope, Payload
from aiox.runtime.clock import Clock
from aiox.wire.codec import NotAnEvent, decode, encode

SUBJECT: Final = "aiox.command.ask"
WAIT_S: Final = 10.0
"""As long as the database may take."""

Ask = Callable[[CommandAsked], Awaitable[CommandAnswered]]
"""Has a command done. Raises DeskAway."""


class DeskAway(Exception):
    """Nobody has done the command, or it is not known whether it was done: under the same key it may be asked again."""


class DeskAbsent(DeskAway):
    """There is nobody to do commands just now: it was not done."""


async def ask(client: Client, clock: Clock, producer: str, asked: CommandAsked) -> CommandAnswered:
    """Asks whichever gateway is free. Raises DeskAbsent, or DeskAway."""
    if not client.is_connected:
        # The client would keep the question and ask it later, when nobody waits for the answer any more.
        raise DeskAbsent("not connected")
    try:
        message = await client.request(SUBJECT, encode(_envelope(asked, clock, producer)), timeout=WAIT_S)
        answered = decode(message.data).payload
    except NoRespondersError as absent:
        raise DeskAbsent("no gateway is there") from absent
    except (NatsError, TimeoutError, OSError, NotAnEvent) as failed:
        raise DeskAway(repr(failed)) from failed
    if not isinstance(answered, CommandAnswered):
        raise DeskAway("the answer is none to a command")
    return answered


def answer_bytes(answered: CommandAnswered, clock: Clock) -> bytes:
    """An answer as it goes over the bus."""
    return encode(_envelope(answered, clock, "gateway"))


def _envelope(payload: Payload, clock: Clock, producer: str) -> Envelope[Payload]:
    event = uuid4()
    return Envelope(
        id=event,
        type="command.asked" if isinstance(payload, CommandAsked) else "command.answered",
        version=1,
        tenant=None,
        channel=XMPP,
        correlation_id=event,
        causation_id=event,
        occurred_at=clock.now(),
        producer=producer,
        traceparent="",
        payload=payload,
    )
