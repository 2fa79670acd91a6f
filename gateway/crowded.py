"""Messages over HTTP while more come than can be answered: refused before a promise, as at the XMPP door."""

from __future__ import annotations

from dataclasses import dataclass

from nats.aio.client import Client
from nats.aio.msg import Msg

from aiox.kernel.envelope import HTTP, Envelope, MessageReceived, Pressure
from aiox.runtime.clock import Clock
from aiox.runtime.crowding import Crowding
from aiox.runtime.logs import Log
from aiox.runtime.nats import PRESSURE, NotStored
from aiox.wire.codec import NotAnEvent, decode
from gateway.admission import Put


@dataclass(frozen=True, slots=True)
class Bounded:
    """Puts messages while the hub has room for them. A turn that goes on after an approval was let in when it began."""

    put: Put
    crowding: Crowding
    clock: Clock

    async def __call__(self, envelope: Envelope[MessageReceived]) -> None:
        """One message. Raises NotStored, also when there is no room."""
        message, now = envelope.payload, self.clock.monotonic()
        if envelope.channel == HTTP and not self.crowding.lets_in(message.sender, message.agent_jid, now):
            raise NotStored("more messages wait than can be answered soon")
        await self.put(envelope)


async def listen(client: Client, crowding: Crowding, clock: Clock, log: Log) -> None:
    """Hears from now on what the orchestrators say of how full they are."""

    async def take(message: Msg) -> None:
        try:
            payload = decode(message.data).payload
        except NotAnEvent as wrong:
            log.error("not_an_event", subject=message.subject, error=str(wrong))
            return
        if isinstance(payload, Pressure):
            crowding.heard(payload, clock.monotonic())

    await client.subscribe(PRESSURE, cb=take)
