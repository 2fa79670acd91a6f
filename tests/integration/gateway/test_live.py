"""Answers of chats while they are written: to who reads them, for as long as they do. The bus is played."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import uuid4

import pytest
import structlog
from prometheus_client import CollectorRegistry

from aiox.kernel.envelope import LiveDelta, WorkerBeat
from aiox.kernel.ids import TurnId
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import SystemClock
from gateway import following
from gateway.app import make_app
from gateway.front import Front
from gateway.guard import App
from gateway.live import Pieces
from policy.workers import Standing
from registry.workers import record_beats
from tests.integration.gateway.door import HttpDoor
from tests.integration.gateway.streaming import stream

AGENT = BareJid("scribe@agents.localhost")


class Bus:
    """What is said of people who read, and a queue for each."""

    def __init__(self) -> None:
        self.wanted: list[BareJid] = []
        self.pieces: dict[BareJid, Pieces] = {}

    @asynccontextmanager
    async def listen(self, jid: BareJid) -> AsyncIterator[Pieces]:
        yield self.pieces.setdefault(jid, asyncio.Queue(256))

    async def want(self, jid: BareJid) -> None:
        self.wanted.append(jid)


@pytest.fixture
def bus(monkeypatch: pytest.MonkeyPatch) -> Bus:
    monkeypatch.setattr(following, "LOOK_S", 0.02)
    monkeypatch.setattr(following, "WANT_S", 0.0)
    return Bus()


@pytest.fixture
def app(door: HttpDoor, bus: Bus) -> App:
    async def ready() -> str:
        return ""

    front = Front(listen=bus.listen, want=bus.want)
    return make_app(door.inner, ready, structlog.get_logger(), CollectorRegistry(), Path("no-pages"), front)


async def test_the_pieces_of_ones_own_chats_come_and_it_is_said_again_that_one_reads(
    door: HttpDoor, bus: Bus, app: App
) -> None:
    ada, eve = await door.person(), await door.person()
    turn = TurnId(uuid4())
    where = "/v1/live"
    async with stream(app, "GET", where, ada.headers) as mine, stream(app, "GET", where, eve.headers) as other:
        for reader in (mine, other):
            first = await reader.next()
            assert first is not None
            assert first.name == "ready"
        assert {ada.account.jid, eve.account.jid} <= set(bus.wanted)
        pieces = bus.pieces[ada.account.jid]
        pieces.put_nowait(LiveDelta(TurnId(uuid4()), 5, 0, "asked over HTTP", ended=False))
        pieces.put_nowait(LiveDelta(turn, 5, 0, "Sev", False, AGENT))
        pieces.put_nowait(LiveDelta(turn, 6, 0, "", True, AGENT))
        bus.pieces[eve.account.jid].put_nowait(LiveDelta(turn, 7, 0, "hers", False, AGENT))
        said = [await mine.next(), await mine.next()]
        of_turn = {"turn_id": str(turn), "agent_jid": AGENT, "offset": 0}
        assert [(one.name, one.data) for one in said if one] == [
            ("piece", {**of_turn, "attempt": 5, "text": "Sev", "ended": False}),
            ("piece", {**of_turn, "attempt": 6, "text": "", "ended": True}),
        ]
        hers = await other.next()
        assert hers is not None
        assert hers.data["text"] == "hers"
        async with asyncio.timeout(60):
            while bus.wanted.count(ada.account.jid) < 3:
                await asyncio.sleep(0.01)
    told = len(bus.wanted)
    await asyncio.sleep(0)
    assert len(bus.wanted) == told  # nobody reads any more


async def test_who_is_not_signed_in_reads_nothing(bus: Bus, app: App) -> None:
    async with stream(app, "GET", "/v1/live", {}) as reader:
        assert await reader.started() == 401
    assert bus.wanted == []


async def test_the_workers_are_told_anew_when_they_change(
    door: HttpDoor, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(following, "PAUSE_S", 0.02)
    ada = await door.person()
    async with stream(app, "GET", "/v1/workers", ada.headers) as reader:
        first = await reader.next()
        assert first is not None
        assert first.name == "workers"
        assert {"items", "queue"} == set(first.data)
        name = f"late-{uuid4().hex[:6]}"
        beat = WorkerBeat(name, "127.0.0.1", 1, "default", "healthy", 1, 8, 12.5, 1000)
        await record_beats(door.stores.pools["orchestrator"], [(beat, Standing.HEALTHY)], SystemClock())
        while name not in [one["worker_id"] for one in first.data["items"]]:
            first = await reader.next()
            assert first is not None
