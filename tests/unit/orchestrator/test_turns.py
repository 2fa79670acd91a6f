"""A message that joins a turn in the moment in which that turn is over is in it, or is not acknowledged with it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import cast

import pytest
from nats.aio.msg import Msg

from aiox.kernel.envelope import HTTP, KNOWN, Envelope, OutboxReady
from aiox.runtime.clock import SystemClock
from aiox.runtime.crash import Hook, no_hook
from orchestrator import turns
from orchestrator.deliveries import Delivery
from orchestrator.lanes import Group
from orchestrator.ports import Ports
from orchestrator.proofs import Accepted, Repeated, Turn
from tests.unit.orchestrator.messages import received


def delivery(body: str) -> Delivery:
    return Delivery(Turn(received(body), partition=1, fence=1, sequence=1), cast(Msg, None))


async def test_a_message_that_joins_as_the_turn_ends_is_thought_about_too(monkeypatch: pytest.MonkeyPatch) -> None:
    over = asyncio.Event()
    seen: list[str] = []

    async def accept(_ports: Ports, turn: Turn) -> Accepted | Repeated:
        seen.append(turn.message.body)
        await over.wait()
        return Repeated(turn)

    monkeypatch.setattr(turns, "accept", accept)
    group = Group([delivery("one")], asyncio.get_running_loop().time())
    running = asyncio.ensure_future(turns._accept_group(cast(Ports, None), group))
    while not seen:
        await asyncio.sleep(0)
    over.set()  # the turn is over, and before it is back where it was begun...
    assert group.join(delivery("two"))
    async with asyncio.timeout(60):
        ended = await running
    assert seen == ["one", "one\ntwo"]
    assert [member.message.body for member in cast(Repeated, ended).turn.all_members] == ["one", "two"]
    assert group.sealed
    assert not group.join(delivery("three"))


@dataclass
class Announced:
    """The ports that a repeated message needs."""

    clock: SystemClock = field(default_factory=SystemClock)
    events: list[Envelope[OutboxReady]] = field(default_factory=list)
    crash: Hook = no_hook

    async def announce(self, event: Envelope[OutboxReady]) -> None:
        self.events.append(event)


@dataclass
class Acknowledged:
    """A message of the bus that remembers whether it was acknowledged."""

    times: int = 0

    async def ack(self) -> None:
        self.times += 1


async def test_a_new_message_that_waited_behind_a_concluded_one_is_answered_and_not_only_acknowledged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The bus forgot what was delivered and brings a concluded message again: it shares a group with the next one."""
    first, second = Acknowledged(), Acknowledged()
    known = replace(delivery("known"), message=cast(Msg, first))
    new = replace(delivery("new"), message=cast(Msg, second))
    concluded: list[str] = []

    async def accept(_ports: Ports, turn: Turn) -> Accepted | Repeated:
        if turn.message.turn_id == known.turn.message.turn_id:
            return Repeated(turn)
        return cast(Accepted, SimpleNamespace(turn=turn))

    async def conclude(_ports: Ports, ended: Accepted) -> None:
        assert (first.times, second.times) == (1, 0), "in order, and acknowledged last"
        concluded.append(ended.turn.message.body)

    monkeypatch.setattr(turns, "accept", accept)
    monkeypatch.setattr(turns, "conclude", conclude)
    ports = Announced()
    group = Group([known, new], asyncio.get_running_loop().time())
    await turns.handle(cast(Ports, ports), group)
    assert concluded == ["new"]
    assert (first.times, second.times) == (1, 1)
    assert [event.payload.turn_id for event in ports.events] == [known.turn.message.turn_id]


async def test_of_a_repeated_message_it_is_said_that_nothing_more_will_come() -> None:
    ports, turn = Announced(), delivery("again").turn
    await turns._finish(cast(Ports, ports), Repeated(turn), [])
    (event,) = ports.events
    said = event.payload
    assert (said.kind, said.turn_id, said.to_jid) == (KNOWN, turn.message.turn_id, turn.message.sender_full)
    assert said.from_jid == turn.message.agent_jid


async def test_who_asked_over_http_sees_no_typing_that_could_be_ended() -> None:
    ports, turn = Announced(), delivery("again").turn
    over_http = replace(turn, envelope=replace(turn.envelope, channel=HTTP))
    await turns._finish(cast(Ports, ports), Repeated(over_http), [])
    assert ports.events == []
