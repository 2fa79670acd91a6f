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
from component.outbox import Outbox, Stores
from component.talk import Talk
from registry.archive import Kept, Stanza
from registry.outbox import Row
from tests.unit.component.fakes import FakeLink, HandClock, opened, settle
from tests.unit.component.test_stanzas_out import READY

SERVER = "hub.test"


def envelope(number: int, **changes: str) -> Envelope[OutboxReady]:
    ready = replace(READY, outbox_id=UUID(int=number), stanza_id=f"s{number}", **changes)  # type: ignore[arg-type]
    one = UUID(int=1)
    return Envelope(one, "outbox.ready", 1, ready.owner, "xmpp", one, one, SystemClock().now(), "test", "", ready)


@dataclass
class Table:
    """The outbox table and the archive, in memory."""

    clock: HandClock
    rows: dict[int, Row] = field(default_factory=dict)
    marked: list[int] = field(default_factory=list)
    archived: set[str] = field(default_factory=set)
    otherwise: Kept = Kept.NEVER
    looked: list[list[str]] = field(default_factory=list)
    down: bool = False

    def put(self, number: int, conversation: int = 0, **changes: str) -> Envelope[OutboxReady]:
        made = envelope(number, **changes)
        self.rows[number] = Row(UUID(int=number), number, UUID(int=conversation or 1000 + number), 0.0, made)
        return made

    def older(self, number: int, age_s: float) -> None:
        self.rows[number] = replace(self.rows[number], age_s=age_s)

    async def pending(self, after: int, _older_than_s: float, limit: int) -> list[Row]:
        if self.down:
            raise OSError("the store is away")
        return [self.rows[number] for number in sorted(self.rows) if number > after][:limit]

    async def due(self, ids: Sequence[UUID]) -> list[Row]:
        named = [row for row in await self.pending(0, 0, 10_000) if row.id in ids]
        last = {row.conversation: row.seq for row in named}
        return [row for row in await self.pending(0, 0, 10_000) if row.seq <= last.get(row.conversation, 0)]

    async def mark_sent(self, ids: Sequence[UUID]) -> None:
        if self.down:
            raise OSError("the store is away")
        self.marked += [one.int for one in ids]
        for one in ids:
            self.rows.pop(one.int, None)

    async def look_up(self, stanzas: Sequence[Stanza]) -> list[Kept]:
        if self.down:
            raise OSError("the store is away")
        self.looked.append([stanza.origin_id for stanza in stanzas])
        return [Kept.YES if stanza.origin_id in self.archived else self.otherwise for stanza in stanzas]


@dataclass
class Room:
    outbox: Outbox
    link: FakeLink
    table: Table
    talk: Talk
    clock: HandClock

    def announce(self, number: int, conversation: int = 0, **changes: str) -> None:
        self.outbox.take(self.table.put(number, conversation, **changes))

    @property
    def sent(self) -> list[str]:
        return [text.partition(' id="')[2].partition('"')[0] for text in self.link.sent]


@asynccontextmanager
async def room(folder: Path, *, sweeping: bool = False) -> AsyncIterator[Room]:
    link, telemetry, clock = FakeLink(), Telemetry("component", folder), HandClock(100.0)
    talk = Talk(clock)
    table = Table(clock)
    stores = Stores(table.pending, table.due, table.mark_sent, table.look_up)
    made = Outbox(link, stores, SERVER, talk, telemetry, clock, structlog.get_logger())
    clock.seconds += 50
    work = [made.send_for_ever(), made.confirm_for_ever(), made.introduce_for_ever(), made.file_for_ever()]
    tasks = [asyncio.create_task(one) for one in (*work, *([made.sweep_for_ever()] if sweeping else []))]
    try:
        yield Room(made, link, table, talk, clock)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        telemetry.close()


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "GATHER_S", 0.0)
    monkeypatch.setattr(module, "LOOK_AGAIN_S", (0.0,))
    monkeypatch.setattr(module, "RETRY_S", 0.005)
    monkeypatch.setattr(module, "SWEEP_S", 0.02)


async def passes(seconds: float = 0.06) -> None:
    await asyncio.sleep(seconds)
    await settle()


async def test_row_is_done_only_after_the_pong(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.announce(1)
        await settle()
        assert (it.sent, it.table.marked) == (["s1"], [])
        it.link.pong.set()
        await settle()
        assert it.table.marked == [1]


async def test_answer_to_our_own_server_is_done_only_when_it_is_archived(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.table.otherwise = Kept.NOT_YET
        it.link.pong.set()
        it.announce(1)
        await passes()
        assert (it.sent, it.table.marked) == (["s1"], [])
        it.table.archived.add("s1")
        await passes()
        assert (it.sent, it.table.marked) == (["s1"], [1])


async def test_answer_that_never_reaches_the_archive_is_sent_again(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.table.otherwise = Kept.NOT_YET
        it.link.pong.set()
        it.announce(1)
        await passes()
        it.clock.seconds += module.ABSENT_S
        await passes()
        assert (it.sent, it.table.marked) == (["s1", "s1"], [])


async def test_what_cannot_reach_the_archive_ends_after_some_tries(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.table.otherwise = Kept.NOT_YET
        it.link.pong.set()
        it.announce(1)
        for _ in range(module.TRIES):
            await passes(0.02)
            it.clock.seconds += module.ABSENT_S
        await passes()
        assert (len(it.sent), it.table.marked) == (module.TRIES, [1])


@pytest.mark.parametrize("to", ["bob@elsewhere.test", "bob@elsewhere.test/phone"])
async def test_answer_to_another_server_is_done_at_the_pong(tmp_path: Path, to: str) -> None:
    async with room(tmp_path) as it:
        it.link.pong.set()
        it.announce(1, to_jid=to)
        await settle()
        assert (it.table.marked, it.table.looked) == ([1], [])


async def test_error_is_done_at_the_pong(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.table.otherwise = Kept.NOT_YET
        it.link.pong.set()
        it.announce(1, kind="error", error_code="TIMEOUT")
        await settle()
        assert (it.table.marked, it.table.looked) == ([1], [])


async def test_conversations_go_side_by_side_and_rows_of_one_in_turn(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        for number in (1, 2, 3):
            it.announce(number, conversation=7)
        it.announce(4)
        await settle()
        assert sorted(it.sent) == ["s1", "s4"]
        it.link.pong.set()
        await passes()
        assert [one for one in it.sent if one != "s4"] == ["s1", "s2", "s3"]
        assert sorted(it.table.marked) == [1, 2, 3, 4]


async def test_newer_row_does_not_overtake_one_that_nobody_announced(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.table.put(1, conversation=7)
        it.link.pong.set()
        it.announce(2, conversation=7)
        await passes()
        assert (it.sent, it.table.marked) == (["s1", "s2"], [1, 2])


async def test_newer_row_waits_for_one_that_has_to_be_repeated(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.table.otherwise = Kept.NOT_YET
        it.table.archived.add("s2")
        it.link.pong.set()
        it.announce(1, conversation=7)
        it.announce(2, conversation=7)
        await passes()
        it.clock.seconds += module.ABSENT_S
        await passes()
        it.table.archived.add("s1")
        await passes()
        assert (it.sent, it.table.marked) == (["s1", "s1", "s2"], [1, 2])


async def test_row_heard_of_twice_is_sent_once(tmp_path: Path) -> None:
    async with room(tmp_path, sweeping=True) as it:
        it.announce(1)
        it.outbox.take(envelope(1))
        await passes()
        it.link.pong.set()
        await passes()
        it.outbox.take(envelope(1))
        await passes()
        assert it.sent == ["s1"]


async def test_row_that_was_read_just_before_it_was_marked_is_not_sent_again(tmp_path: Path) -> None:
    async with room(tmp_path, sweeping=True) as it:
        it.link.pong.set()
        it.announce(1)
        read = dict(it.table.rows)
        await passes()
        assert it.table.marked == [1]
        it.table.rows = read
        await passes()
        assert it.sent == ["s1"]


async def test_row_waits_while_there_is_no_link(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.link.up = False
        it.announce(1)
        await passes()
        assert it.sent == []
        it.link.returns()
        await passes(0.15)
        assert (it.sent, it.table.marked) == (["s1"], [1])


@pytest.mark.parametrize("arrived", [True, False])
async def test_row_on_a_broken_stream_is_looked_up_and_sent_only_if_absent(tmp_path: Path, arrived: bool) -> None:
    async with room(tmp_path) as it:
        it.announce(1)
        await settle()
        it.link.breaks()
        await settle()
        it.table.otherwise = Kept.NOT_YET
        if arrived:
            it.table.archived.add("s1")
        it.link.returns()
        it.clock.seconds += module.GRACE_S
        await passes(0.15)
        assert it.sent == (["s1"] if arrived else ["s1", "s1"])
        assert len(set(it.link.sent)) == 1, "the same stanza"
        it.table.archived.add("s1")
        await passes()
        assert it.table.marked == [1]


async def test_row_to_another_server_is_sent_again_under_the_same_id(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.announce(1, to_jid="bob@elsewhere.test")
        await settle()
        it.link.breaks()
        await settle()
        it.link.returns()
        it.clock.seconds += module.GRACE_S
        await passes(0.15)
        assert (it.sent, it.table.marked, it.table.looked) == (["s1", "s1"], [1], [])


@pytest.mark.parametrize("arrived", [True, False])
async def test_row_older_than_this_process_is_looked_up_first(tmp_path: Path, arrived: bool) -> None:
    async with room(tmp_path, sweeping=True) as it:
        it.table.put(1)
        it.table.older(1, 51.0)
        if arrived:
            it.table.archived.add("s1")
        it.link.pong.set()
        await passes()
        assert it.table.looked[0] == ["s1"]
        assert (it.sent, it.table.marked) == ([] if arrived else ["s1"], [1])


async def test_only_the_missing_part_of_a_long_answer_is_sent_again(tmp_path: Path) -> None:
    async with room(tmp_path, sweeping=True) as it:
        it.table.put(1, body="x" * (module_part := 50 * 1024) + "y" * module_part)
        it.table.older(1, 51.0)
        it.table.archived.add("s1")
        it.link.pong.set()
        await passes()
        assert (it.sent, it.table.marked) == (["s1-2"], [1])


async def test_pong_of_a_new_stream_says_nothing_about_the_old_one(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.announce(1)
        await settle()
        it.link.breaks()
        it.link.returns()
        await settle()
        assert it.table.marked == []
        it.clock.seconds += module.GRACE_S
        await passes(0.15)
        assert (it.sent, it.table.marked) == (["s1", "s1"], [1])


async def test_rows_are_done_when_the_store_is_back(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        it.announce(1)
        await settle()
        it.table.down = True
        it.announce(2)
        it.link.pong.set()
        await passes()
        assert (it.sent, it.table.marked) == (["s1"], [])
        it.table.down = False
        await passes()
        assert (it.sent, sorted(it.table.marked)) == (["s1", "s2"], [1, 2])


async def test_damaged_row_is_named_once_and_stops_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with room(tmp_path, sweeping=True) as it:
        it.link.pong.set()
        it.table.rows[1] = Row(UUID(int=1), 1, UUID(int=7), 0.0, None)
        it.table.put(2, conversation=7)
        await passes(0.1)
        assert (it.sent, it.table.marked) == (["s2"], [2])
        assert capsys.readouterr().out.count("outbox_row_damaged") == 1


async def test_row_from_a_foreign_address_is_named_and_stops_nobody(tmp_path: Path) -> None:
    async with room(tmp_path, sweeping=True) as it:
        it.link.pong.set()
        it.link.refuses.add("s1")
        it.table.put(1, conversation=7)
        it.table.put(2, conversation=7)
        await passes()
        assert (it.sent, it.table.marked, it.outbox.under_way) == (["s2"], [2], 0)


async def test_another_processs_rows_are_left_alone(tmp_path: Path) -> None:
    async with room(tmp_path, sweeping=True) as it:
        it.outbox._mine = lambda conversation: conversation.int != 1001
        it.link.pong.set()
        it.announce(1)
        it.announce(2)
        await passes()
        assert (it.sent, it.table.marked) == (["s2"], [2])


async def test_sweep_finds_what_nobody_announced_page_by_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SWEEP_LIMIT", 2)
    async with room(tmp_path, sweeping=True) as it:
        for number in range(1, 6):
            it.table.put(number)
        it.link.pong.set()
        await passes()
        assert sorted(it.table.marked) == [1, 2, 3, 4, 5]


async def test_error_ends_composing_and_an_answer_ends_it_itself(tmp_path: Path) -> None:
    async with room(tmp_path) as it:
        turn = TurnId(READY.turn_id)
        opened(it.talk, turn)
        it.announce(1)
        await settle()
        assert len(it.link.sent) == 1
        opened(it.talk, turn)
        it.announce(2, kind="error", error_code="TIMEOUT")
        await settle()
        assert "<paused " in it.link.sent[-1]
        it.announce(3, kind="error", error_code="TIMEOUT")
        await settle()
        assert "<paused " not in it.link.sent[-1], "who was shown nothing is shown no end of it"
