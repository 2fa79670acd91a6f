"""Messages on their way to the bus, traced from here when they are sampled: step 3, by this door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

from aiox.kernel.envelope import HTTP, Envelope, MessageReceived
from aiox.runtime.steps import Step
from aiox.runtime.telemetry import Telemetry

Put = Callable[[Envelope[MessageReceived]], Awaitable[None]]
"""Puts a message on the bus; returns when it is on disk. Raises NotStored."""


@dataclass(frozen=True, slots=True)
class Traced:
    """Puts messages, and begins the trace of one that comes by this door; one that is put again keeps its own."""

    put: Put
    telemetry: Telemetry
    sampled: Callable[[], bool]

    async def __call__(self, envelope: Envelope[MessageReceived]) -> None:
        """One message. Raises NotStored."""
        if envelope.channel != HTTP or envelope.traceparent or not self.sampled():
            await self.put(envelope)
            return
        attributes = {
            "aiox.turn_id": str(envelope.payload.turn_id),
            "aiox.correlation_id": str(envelope.correlation_id),
        }
        with (
            self.telemetry.root("message") as traceparent,
            self.telemetry.span(Step.ADMITTED, traceparent, attributes),
        ):
            await self.put(replace(envelope, traceparent=traceparent))
