"""Says once a second on the bus how this worker is: the orchestrators' registry of workers lives on it."""

from __future__ import annotations

import asyncio
import resource
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from nats.aio.client import Client

from ai_worker.running import Running
from aiox.kernel.envelope import Envelope, WorkerBeat
from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.clock import Clock
from aiox.runtime.nats import WORKER_BEAT
from aiox.runtime.settings import LOOPBACK
from aiox.wire.codec import encode

EVERY_S: Final = 1.0


@dataclass(frozen=True, slots=True)
class Heart:
    """What a worker says of itself."""

    worker_id: str
    port: int
    running: Running
    clock: Clock
    host: str = LOOPBACK
    """Where orchestrators find it."""

    def beat(self) -> WorkerBeat:
        """Its state now."""
        return WorkerBeat(
            worker_id=self.worker_id,
            host=self.host,
            port=self.port,
            pool="default",
            status=self.running.status,
            active_requests=self.running.active,
            capacity=self.running.capacity,
            mean_latency_ms=self.running.mean_latency_ms(self.clock.monotonic()),
            memory_bytes=memory_bytes(),
        )

    def event(self) -> Envelope[WorkerBeat]:
        """The beat as an event of the hub's own tenant."""
        event_id = uuid4()
        return Envelope(
            id=event_id,
            type="worker.beat",
            version=1,
            tenant=HUB_OWNER,
            channel="internal",
            correlation_id=event_id,
            causation_id=event_id,
            occurred_at=self.clock.now(),
            producer=self.worker_id,
            traceparent="",
            payload=self.beat(),
        )

    async def say(self, bus: Client) -> None:
        """One beat, now. Raises nats.errors.Error while the bus is away and its buffer is full."""
        await bus.publish(WORKER_BEAT, encode(self.event()))

    async def run(self, bus: Client, on_failure: Callable[[Exception], None]) -> None:
        """Beats until cancelled. A beat that cannot be sent is reported and left out: the next one says more."""
        while True:
            try:
                await self.say(bus)
            except Exception as error:  # noqa: BLE001 -- a bus that is away must not end the worker
                on_failure(error)
            await asyncio.sleep(EVERY_S)


def own_address(wanted: str) -> str:
    """What orchestrators are told: `wanted`, or for `self` the address of this machine's name. Raises OSError."""
    return socket.gethostbyname(socket.gethostname()) if wanted == "self" else wanted


def name_of(host: str, port: int) -> str:
    """A worker's name, unlike any other's of the hub."""
    return f"worker-{port}" if host == LOOPBACK else f"worker-{host}-{port}"


def memory_bytes() -> int:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()
