"""While a pool has enough in hand, nothing at all is asked of a store for a turn that is for it."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest

from aiox.runtime.crash import no_hook
from orchestrator import pipeline
from orchestrator.backlog import Backlog
from orchestrator.known_agents import KnownAgent, KnownAgents
from orchestrator.ports import Ports
from orchestrator.proofs import Accepted, Repeated, Turn
from policy.workers import BEGUN
from tests.unit.orchestrator.messages import received


class Registry:
    """Knows each turn already, and answers when the test lets it."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()

    async def identify(self, _ports: Ports, turn: Turn) -> Repeated:
        self.asked += 1
        await self.answers.wait()
        return Repeated(turn)


async def asked_of_the_registry(registry: Registry, places: int) -> int:
    """How often, by twice as many turns as one place may have in hand."""
    agents = KnownAgents()
    ports = cast(Ports, SimpleNamespace(crash=no_hook, backlog=Backlog(agents, lambda _pool: places)))
    tasks = list[asyncio.Task[Accepted | Repeated]]()
    for number in range(2 * BEGUN):
        turn = Turn(received(str(number)), partition=1, fence=1, sequence=number)
        agents.learn(turn.message.agent_jid, KnownAgent(0.5, "default", 0.5))
        tasks.append(asyncio.create_task(pipeline.accept(ports, turn)))
    for _ in range(10):
        await asyncio.sleep(0)
    asked = registry.asked
    registry.answers.set()
    await asyncio.gather(*tasks)
    assert registry.asked == 2 * BEGUN, "and in the end every turn has its time"
    return asked


async def test_a_turn_that_waits_asks_nothing_of_the_registry(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    monkeypatch.setattr(pipeline, "identify", registry.identify)
    assert await asked_of_the_registry(registry, places=1) == BEGUN


async def test_with_room_for_all_nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    registry = Registry()
    monkeypatch.setattr(pipeline, "identify", registry.identify)
    assert await asked_of_the_registry(registry, places=2) == 2 * BEGUN
