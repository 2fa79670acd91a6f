"""A beat says how the worker is, and survives a bus that is away."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from ai_worker import beat
from ai_worker.beat import Heart, memory_bytes
from ai_worker.running import Running
from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.clock import SystemClock
from aiox.runtime.supervisor import Supervisor
from aiox.wire.codec import decode
from tests.unit.ai_worker.minds import Log


def heart() -> Heart:
    log: Any = Log()
    return Heart("worker-8084", 8084, Running(Supervisor(log), 3), SystemClock())


class Bus:
    """Fails once, then takes what is published."""

    def __init__(self) -> None:
        self.sent: asyncio.Queue[tuple[str, bytes]] = asyncio.Queue()
        self.failures = 1

    async def publish(self, subject: str, data: bytes) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("away")
        self.sent.put_nowait((subject, data))


def test_a_beat_has_state_and_memory() -> None:
    said = heart().beat()
    assert (said.worker_id, said.host, said.port, said.pool) == ("worker-8084", "127.0.0.1", 8084, "default")
    assert (said.status, said.active_requests, said.capacity, said.mean_latency_ms) == ("healthy", 0, 3, 0.0)
    assert said.memory_bytes > 1_000_000
    assert memory_bytes() > 1_000_000


def test_the_mean_is_of_the_last_turns() -> None:
    one = heart()
    for milliseconds in (10.0, 30.0):
        one.running.took(milliseconds, one.clock.monotonic())
    assert one.beat().mean_latency_ms == 20.0


def test_a_slow_minute_is_forgotten() -> None:
    running = heart().running
    running.took(9000.0, 100.0)
    running.took(10.0, 150.0)
    assert [running.mean_latency_ms(now) for now in (155.0, 161.0, 211.0)] == [4505.0, 10.0, 0.0]


async def test_a_failed_beat_is_reported_and_the_next_one_goes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beat, "EVERY_S", 0.001)
    stand_in = Bus()
    bus: Any = stand_in
    failures: list[Exception] = []
    async with asyncio.TaskGroup() as group:
        beating = group.create_task(heart().run(bus, failures.append))
        async with asyncio.timeout(60):
            subject, data = await stand_in.sent.get()
        beating.cancel()
    assert [type(failure) for failure in failures] == [ConnectionError]
    event = decode(data)
    assert (subject, event.type, event.producer, event.tenant) == (
        "aiox.worker.beat",
        "worker.beat",
        "worker-8084",
        HUB_OWNER,
    )
