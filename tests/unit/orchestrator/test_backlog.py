"""More than can be answered soon waits before anything is done for it, and only that."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from aiox.kernel.envelope import REACTED, Attachment, MessageReceived
from aiox.kernel.question import Question
from orchestrator import backlog as module
from orchestrator.backlog import Backlog
from orchestrator.known_agents import KnownAgent, KnownAgents
from orchestrator.proofs import Turn
from policy.scoring import HEAD_START_S
from policy.workers import BEGUN, HIGH_PRIORITY, Demand
from tests.unit.orchestrator.messages import received

QUESTION = Question(UUID(int=5), UUID(int=6), (UUID(int=21), UUID(int=22)), 30_000)
NOTHING = Demand(queued=2, oldest_wait_s=0.5, busy=1, places=1, workers=1)


class House:
    """A hub with one place for a worker's turn in each pool, and what came to it."""

    def __init__(self, places: int = 1) -> None:
        self.agents = KnownAgents()
        self.backlog = Backlog(self.agents, lambda _pool: places)
        self.begun = list[str]()
        self.tasks = list[asyncio.Task[None]]()
        self.end = asyncio.Event()

    def turn(self, name: str, known: KnownAgent | None) -> Turn:
        turn = Turn(received(name), 0, 1, 1)
        if known is not None:
            self.agents.learn(turn.message.agent_jid, known)
        return turn

    async def comes(self, turn: Turn) -> None:
        self.tasks.append(asyncio.create_task(self._handled(turn)))
        for _ in range(5):
            await asyncio.sleep(0)

    async def _handled(self, turn: Turn) -> None:
        async with self.backlog.passed(turn):
            self.begun.append(turn.message.body)
            await self.end.wait()

    async def full(self, pool: str = "default") -> House:
        for _ in range(BEGUN):
            await self.comes(self.turn("before", KnownAgent(0.5, pool, 0.5)))
        return self

    async def closed(self) -> list[str]:
        self.end.set()
        await asyncio.gather(*self.tasks)
        return self.begun


def with_message(turn: Turn, message: MessageReceived) -> Turn:
    return replace(turn, envelope=replace(turn.envelope, payload=message))


async def test_of_a_pool_so_many_are_begun_and_the_next_when_one_ends() -> None:
    house = await House().full()
    await house.comes(house.turn("waits", KnownAgent(0.5, "default", 0.5)))
    assert house.begun == ["before"] * BEGUN
    demand = house.backlog.added_to(NOTHING)
    assert (demand.queued, demand.oldest_wait_s, demand.busy) == (3, 0.5, 1)
    assert (await house.closed())[-1] == "waits"
    assert house.backlog.added_to(NOTHING) == NOTHING


async def test_what_waits_here_is_what_the_scaling_signal_sees() -> None:
    house = await House().full()
    await house.comes(house.turn("waits", KnownAgent(0.5, "default", 0.5)))
    await asyncio.sleep(0.1)
    assert house.backlog.added_to(replace(NOTHING, oldest_wait_s=0.0)).oldest_wait_s > 0.09
    await house.closed()


async def test_of_those_that_wait_the_better_scored_go_first() -> None:
    house = await House().full()
    for name, points in (("low", 0.2), ("high", 0.6), ("low, later", 0.2)):
        await house.comes(house.turn(name, KnownAgent(0.5, "default", points)))
    assert (await house.closed())[BEGUN:] == ["high", "low", "low, later"]


async def test_who_was_admitted_long_before_goes_first_whatever_the_score() -> None:
    """So it is with the second message of a conversation, whose turn came when the first one was answered."""
    house = await House().full()
    new, old = house.turn("new", KnownAgent(0.5, "default", 0.9)), house.turn("old", KnownAgent(0.5, "default", 0.1))
    before = old.envelope.occurred_at - timedelta(seconds=HEAD_START_S)
    await house.comes(new)
    await house.comes(replace(old, envelope=replace(old.envelope, occurred_at=before)))
    assert (await house.closed())[BEGUN:] == ["old", "new"]


async def test_a_full_pool_holds_no_other_pool_up() -> None:
    house = await House().full("slow")
    await house.comes(house.turn("other", KnownAgent(0.5, "default", 0.5)))
    assert house.begun[-1] == "other"
    await house.closed()


@pytest.mark.parametrize(
    ("text", "known"),
    [
        ("high", KnownAgent(HIGH_PRIORITY, "default", 0.5)),
        ("not heard of yet", None),
        ("/help", KnownAgent(0.0, "default", 0.5)),
    ],
)
async def test_these_are_not_held_up(text: str, known: KnownAgent | None) -> None:
    house = await House().full()
    await house.comes(house.turn(text, known))
    assert house.begun[-1] == text
    await house.closed()


async def test_what_no_worker_does_is_not_held_up() -> None:
    house = await House().full()
    turn = house.turn("👍", KnownAgent(0.5, "default", 0.5))
    await house.comes(replace(turn, envelope=replace(turn.envelope, type=REACTED)))
    assert house.begun[-1] == "👍"
    await house.closed()


async def test_files_may_take_their_time_and_no_workers() -> None:
    house = await House().full()
    turn = house.turn("read this", KnownAgent(0.5, "default", 0.5))
    await house.comes(with_message(turn, replace(turn.message, attachments=(Attachment("https://example.org/slow"),))))
    assert house.begun[-1] == "read this"
    await house.closed()


async def test_what_an_agent_of_another_hub_asks_is_no_command_whatever_it_looks_like() -> None:
    house = await House().full()
    turn = house.turn("/help me think", KnownAgent(0.5, "default", 0.5))
    await house.comes(with_message(turn, replace(turn.message, question=QUESTION)))
    assert house.begun[-1] == "before"
    await house.closed()


async def test_where_no_worker_is_everybody_is_told_so_at_once() -> None:
    house = House(places=0)
    for number in range(10 * BEGUN):
        await house.comes(house.turn(str(number), KnownAgent(0.5, "default", 0.5)))
    assert len(house.begun) == 10 * BEGUN
    await house.closed()


async def test_nobody_waits_here_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_S", 0.05)
    house = await House().full()
    await house.comes(house.turn("waits", KnownAgent(0.0, "default", 0.5)))
    assert house.begun[-1] == "before"
    await asyncio.sleep(0.2)
    assert house.begun[-1] == "waits"
    await house.closed()
