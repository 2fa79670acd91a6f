"""One suite for the bus port, on the fake of the unit tests and on a real NATS server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import nats
import pytest

from aiox.runtime.nats import INBOUND, ensure_inbound
from aiox.runtime.settings import Limits, Settings
from component.bus import Bus, BusBusy, JetStreamBus
from tests.integration.component.servers import nats_server
from tests.unit.component.fakes import FakeBus

SMALL = 1 << 20


@dataclass
class Case:
    bus: Bus
    stored: Callable[[], Awaitable[int]]
    take_down: Callable[[], None]


async def _fake() -> AsyncIterator[Case]:
    bus = FakeBus()

    async def stored() -> int:
        return len(bus.stored)

    yield Case(bus, stored, lambda: setattr(bus, "down", True))


async def _real(folder: Path) -> AsyncIterator[Case]:
    with nats_server(folder) as server:
        client = await nats.connect(f"nats://127.0.0.1:{server.port}", max_reconnect_attempts=-1)
        stream = client.jetstream()
        await ensure_inbound(stream, Settings(limits=Limits(inbound_bytes=SMALL)))

        async def stored() -> int:
            return (await stream.stream_info(INBOUND)).state.messages

        try:
            yield Case(JetStreamBus(client, 1.0), stored, server.stop)
        finally:
            await client.close()


@pytest.fixture(params=["fake", "real"])
async def case(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Case]:
    async for made in _fake() if request.param == "fake" else _real(tmp_path):
        yield made


async def test_stored_once_it_returns(case: Case) -> None:
    await case.bus.store("aiox.in.0", b"one", "id-1")
    await case.bus.store("aiox.in.31", b"two", "id-2")
    assert await case.stored() == 2


async def test_same_id_is_stored_once_and_is_no_failure(case: Case) -> None:
    assert await case.bus.store("aiox.in.0", b"one", "id-1")
    assert not await case.bus.store("aiox.in.0", b"one", "id-1")
    assert await case.stored() == 1


async def test_empty_id_is_never_a_duplicate(case: Case) -> None:
    assert await case.bus.store("aiox.in.0", b"one", "")
    assert await case.bus.store("aiox.in.0", b"one", "")
    assert await case.stored() == 2


async def test_bus_that_is_down_is_busy(case: Case) -> None:
    case.take_down()
    with pytest.raises(BusBusy):
        await case.bus.store("aiox.in.0", b"one", "id-1")


async def test_full_stream_refuses_new_messages_and_keeps_the_old(tmp_path: Path) -> None:
    async for case in _real(tmp_path):
        with suppress(BusBusy):
            for number in range(20):
                await case.bus.store("aiox.in.0", b"x" * 100_000, f"id-{number}")
        kept = await case.stored()
        assert 0 < kept < 20
        with pytest.raises(BusBusy):
            await case.bus.store("aiox.in.0", b"x" * 100_000, "one more")
        assert await case.stored() == kept


async def test_missing_says_what_is_missing(tmp_path: Path) -> None:
    with nats_server(tmp_path) as server:
        client = await nats.connect(f"nats://127.0.0.1:{server.port}")
        bus = JetStreamBus(client, 1.0)
        try:
            assert "inbound stream" in await bus.missing()
            await ensure_inbound(client.jetstream(), Settings(limits=Limits(inbound_bytes=SMALL)))
            assert await bus.missing() == ""
        finally:
            await client.close()
        assert "not connected" in await bus.missing()
