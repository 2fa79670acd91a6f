"""SPEC 4, bounded queues, at the HTTP door: what could not be answered soon is refused before it is promised."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID, uuid4

import pytest

from aiox.kernel.envelope import HTTP, Envelope, MessageReceived, Pressure
from aiox.kernel.ids import AgentId, TurnId
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import SystemClock
from aiox.runtime.crowding import Crowding
from aiox.runtime.nats import NotStored
from gateway.crowded import Bounded
from tests.stores import NOW

FULL = Pressure("one", 1000, 8, 100.0)


class Bus:
    def __init__(self) -> None:
        self.stored: list[Envelope[MessageReceived]] = []

    async def put(self, envelope: Envelope[MessageReceived]) -> None:
        self.stored.append(envelope)


def asked(channel: str = HTTP) -> Envelope[MessageReceived]:
    ada, agent = BareJid("ada@localhost"), BareJid("agent-1@agents.localhost")
    message = MessageReceived(ada, ada, agent, AgentId(UUID(int=1)), "", TurnId(uuid4()), "hello", "chat", "")
    ids = uuid4()
    return Envelope(ids, "message.received", 1, None, channel, ids, ids, NOW, "gateway", "", message)


def full() -> Crowding:
    crowding = Crowding()
    crowding.heard(FULL, SystemClock().monotonic())
    return crowding


async def test_a_full_hub_takes_no_message_over_http() -> None:
    bus = Bus()
    with pytest.raises(NotStored):
        await Bounded(bus.put, full(), SystemClock())(asked())
    assert bus.stored == []


async def test_a_turn_that_goes_on_after_an_approval_is_not_refused() -> None:
    bus, resumed = Bus(), replace(asked("xmpp"), type="turn.resumed")
    await Bounded(bus.put, full(), SystemClock())(resumed)
    assert bus.stored == [resumed]


async def test_a_hub_with_room_takes_it() -> None:
    bus, message = Bus(), asked()
    await Bounded(bus.put, Crowding(), SystemClock())(message)
    assert bus.stored == [message]


@pytest.mark.control
async def test_with_no_bound_a_full_hub_takes_everything() -> None:
    bus = Bus()
    await bus.put(asked())
    assert len(bus.stored) == 1
