"""Pieces of answers: only for who asked and may read them now, never waiting, dropped when the bus is slow."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from aiox.kernel.envelope import HTTP, LiveDelta, LiveWanted
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import SystemClock
from aiox.runtime.logs import configure_logs
from aiox.runtime.nats import live_subject
from aiox.wire.codec import decode
from orchestrator import live as module
from orchestrator.live import Live
from orchestrator.proofs import Turn
from tests.unit.orchestrator.messages import received

LOG = configure_logs("test", "ERROR")


class Bus:
    def __init__(self, fails: int = 0) -> None:
        self.got: list[tuple[str, bytes]] = []
        self.fails = fails

    async def publish(self, subject: str, data: bytes) -> None:
        if self.fails:
            self.fails -= 1
            raise OSError("away")
        self.got.append((subject, data))


def turn(channel: str = HTTP) -> Turn:
    return Turn(replace(received(), channel=channel), partition=1, fence=1, sequence=1)


async def published(live: Live, bus: Bus, count: int) -> None:
    running = asyncio.ensure_future(live.run())
    async with asyncio.timeout(60):
        while len(bus.got) < count:
            await asyncio.sleep(0)
    running.cancel()


async def test_a_piece_goes_to_who_asked_and_nobody_else() -> None:
    bus = Bus()
    live, one = Live(bus.publish, SystemClock(), LOG), turn()
    live.tell(one, 7, 3, "abc")
    await published(live, bus, 1)
    subject, data = bus.got[0]
    assert subject == live_subject(one.message.sender) != live_subject("eve@localhost")
    assert decode(data).payload == LiveDelta(one.message.turn_id, 7, 3, "abc", ended=False)


async def test_a_subject_is_one_token_whatever_the_address_holds() -> None:
    for jid in ("a.b@c.d", "*@x", ">", "a b@c", "ü@ö"):
        assert live_subject(jid).count(".") == 2
        assert live_subject(jid).isascii()
        assert not set(live_subject(jid)) & set("*> ")


class Watch(SystemClock):
    """A clock that is set by hand."""

    at = 1000.0

    def monotonic(self) -> float:
        return self.at


async def test_a_chat_is_shown_live_to_who_reads_it_in_the_pages_and_only_while_they_do() -> None:
    bus, clock, one = Bus(), Watch(), turn("xmpp")
    live = Live(bus.publish, clock, LOG)
    live.heard(LiveWanted(BareJid("somebody@localhost")))
    assert not live.wants(one)
    live.heard(LiveWanted(one.message.sender))
    assert live.wants(one)
    live.tell(one, 7, 0, "abc")
    await published(live, bus, 1)
    subject, data = bus.got[0]
    assert subject == live_subject(one.message.sender)
    assert decode(data).channel == "xmpp"
    assert decode(data).payload == LiveDelta(one.message.turn_id, 7, 0, "abc", False, one.message.agent_jid)
    clock.at += module.WANTED_S
    assert not live.wants(one)


async def test_readers_are_as_many_as_can_be_kept_in_mind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "READERS", 2)
    live, one = Live(Bus().publish, SystemClock(), LOG), turn("xmpp")
    for jid in (one.message.sender, BareJid("a@localhost"), BareJid("b@localhost")):
        live.heard(LiveWanted(jid))
    assert not live.wants(one)


async def test_a_message_that_came_as_a_stanza_is_not_shown_live() -> None:
    bus = Bus()
    live = Live(bus.publish, SystemClock(), LOG)
    live.tell(turn("xmpp"), 1, 0, "not for the bus")
    live.tell(turn(), 1, 0, "for the bus")
    await published(live, bus, 1)
    assert b"not for the bus" not in bus.got[0][1]


async def test_what_does_not_fit_is_dropped_and_a_bus_that_is_away_costs_only_the_piece() -> None:
    bus = Bus(fails=1)
    live, one = Live(bus.publish, SystemClock(), LOG), turn()
    for number in range(module.MAX_WAITING + 10):
        live.tell(one, 1, number, "x")
    await published(live, bus, module.MAX_WAITING - 1)
    assert len(bus.got) == module.MAX_WAITING - 1
