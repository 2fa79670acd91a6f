from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import UUID

import pytest
import structlog

from aiox.kernel.envelope import Envelope, OutboxReady
from aiox.kernel.ids import TurnId
from aiox.runtime.clock import SystemClock
from aiox.runtime.telemetry import Telemetry
from component import outbox as module
from component.features.chat_states import Composing
from component.outbox import Outbox
from tests.unit.component.fakes import FakeLink, settle
from tests.unit.component.test_stanzas_out import READY


def row(number: int, **changes: str) -> Envelope[OutboxReady]:
    ready = replace(READY, outbox_id=UUID(int=number), stanza_id=f"s{number}", **changes)  # type: ignore[arg-type]
    one = UUID(int=1)
    return Envelope(one, "outbox.ready", 1, ready.owner, "xmpp", one, one, SystemClock().now(), "test", "", ready)


@dataclass
class Store:
    waiting: list[Envelope[OutboxReady]] = field(default_factory=list)
    marked: list[list[int]] = field(default_factory=list)
    fails: int = 0

    async def pending(self, older_than_s: float, limit: int) -> list[Envelope[OutboxReady]]:
        assert (older_than_s, limit) == (5.0, 256)
        return list(self.waiting)

    async def mark_sent(self, ids: Sequence[UUID]) -> None:
        if self.fails:
            self.fails -= 1
            raise OSError("the store is away")
        self.marked.append([one.int for one in ids])


@dataclass
class Room:
    outbox: Outbox
    link: FakeLink
    store: Store
    composing: Composing


@asynccontextmanager
async def room(folder: Path, *, sweeping: bool = False) -> AsyncIterator[Room]:
    link, store, composing, telemetry = FakeLink(), Store(), Composing(), Telemetry("component", folder)
    made = Outbox(link, store.pending, store.mark_sent, composing, telemetry, structlog.get_logger())
    tasks = [asyncio.create_task(made.confirm_for_ever())]
    if sweeping:
        tasks.append(asyncio.create_task(made.sweep_for_ever()))
    try:
        yield Room(made, link, store, composing)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        telemetry.close()


async def test_row_is_done_only_after_the_pong(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.outbox.take(row(1))
        await settle()
        assert (len(it.link.sent), it.store.marked) == (1, [])
        it.link.pong.set()
        await settle()
        assert it.store.marked == [[1]]


async def test_one_ping_covers_what_was_sent_while_the_one_before_was_under_way(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.outbox.take(row(1))
        await settle()
        for number in (2, 3, 4):
            it.outbox.take(row(number))
        assert len(it.link.sent) == 4, "sending does not wait for pongs"
        it.link.pong.set()
        await settle()
        assert (it.store.marked, it.link.confirms) == ([[1], [2, 3, 4]], 2)


async def test_row_in_flight_is_not_sent_twice(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.outbox.take(row(1))
        it.outbox.take(row(1))
        await settle()
        it.outbox.take(row(1))
        assert len(it.link.sent) == 1
        it.link.pong.set()
        await settle()
        it.outbox.take(row(1))
        assert len(it.link.sent) == 1, "a sweep may have read it just before it was marked"


async def test_row_waits_while_there_is_no_link(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.link.up = False
        it.outbox.take(row(1))
        it.link.returns()
        it.outbox.take(row(1))
        await settle()
        assert (len(it.link.sent), it.store.marked) == (1, [[1]])


async def test_row_on_a_broken_link_is_sent_again_under_the_same_id(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.outbox.take(row(1))
        await settle()
        it.link.breaks()
        await settle()
        assert it.store.marked == []
        it.link.returns()
        it.outbox.take(row(1))
        await settle()
        assert it.link.sent[0] == it.link.sent[1]
        assert it.store.marked == [[1]]


async def test_pong_of_a_new_stream_says_nothing_about_the_old_one(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.outbox.take(row(1))
        it.link.breaks()
        it.link.returns()
        await settle()
        assert [1] not in it.store.marked
        it.outbox.take(row(1))
        await settle()
        assert (len(it.link.sent), it.store.marked[-1]) == (2, [1])


async def test_confirmed_row_is_marked_when_the_store_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "RETRY_S", 0.0)
    async with room(tmp_path) as it:
        it.store.fails = 2
        it.link.pong.set()
        it.outbox.take(row(1))
        await settle()
        assert (it.store.marked, len(it.link.sent)) == ([[1]], 1)


async def test_sweep_finds_what_nobody_announced(tmp_path: Path) -> None:
    async with room(tmp_path, sweeping=True) as it:
        it.store.waiting = [row(1), row(2)]
        await settle()
        assert len(it.link.sent) == 2


async def test_error_ends_composing_and_an_answer_ends_it_itself(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        turn = TurnId(READY.turn_id)
        it.composing.started(turn)
        it.outbox.take(row(1))
        assert len(it.link.sent) == 1
        it.composing.started(turn)
        it.outbox.take(row(2, kind="error", error_code="TIMEOUT"))
        assert "<paused " in it.link.sent[-1]
        it.outbox.take(row(3, kind="error", error_code="TIMEOUT"))
        assert "<paused " not in it.link.sent[-1], "who was shown nothing is shown no end of it"
