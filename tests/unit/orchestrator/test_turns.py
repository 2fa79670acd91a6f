"""A message that joins a turn in the moment in which that turn is over is in it, or is not acknowledged with it."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest
from nats.aio.msg import Msg

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
    ended = await asyncio.wait_for(running, 5)
    assert seen == ["one", "one\ntwo"]
    assert [member.message.body for member in cast(Repeated, ended).turn.all_members] == ["one", "two"]
    assert group.sealed
    assert not group.join(delivery("three"))
