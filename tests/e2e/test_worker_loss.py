"""Two workers: one that dies, freezes or stops in the middle of its turns costs seconds and no answer."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from aiox.cli.stack.home import prepare
from aiox.runtime.settings import Model, Settings, Telemetry
from bench.stub_model import StubModel, stub_model
from tests.e2e.database import superuser
from tests.e2e.over_http import events_of, signed_in
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, Person, answer_to, online
from tests.stack import RunningHub, free_ports

AT_ONCE = 8
THINKING_S = 1.0
ELSEWHERE_S = 5.0
"""What a lost worker may cost."""


@dataclass(frozen=True)
class Pair:
    """A hub with two workers, and people with an agent each."""

    hub: RunningHub
    model: StubModel
    people: list[tuple[Person, str]]

    def worker_id(self, instance: int) -> str:
        return f"worker-{self.hub.settings.ports.ai_worker + 100 * (instance - 1)}"

    async def ask_all(self, text: str) -> list[asyncio.Task[str]]:
        """One question of each; returns when the model was asked all of them."""
        before = self.model.count
        asked = [asyncio.create_task(answer_to(person, agent, text)) for person, agent in self.people]
        async with asyncio.timeout(10):
            while self.model.count < before + AT_ONCE:
                await asyncio.sleep(0.01)
        return asked

    async def statuses(self) -> dict[str, str]:
        async with superuser(self.hub) as connection:
            rows = await connection.fetch("SELECT worker_id, status FROM ai_workers")
        return {row["worker_id"]: row["status"] for row in rows}

    async def both_there(self) -> None:
        """Waits until both workers are healthy and have been so for longer than a beat."""
        wanted = {self.worker_id(1): "healthy", self.worker_id(2): "healthy"}
        async with asyncio.timeout(30):
            while await self.statuses() != wanted:
                await asyncio.sleep(0.1)

    async def thinkers(self, since: float) -> set[str]:
        """Whose answers were recorded since then."""
        async with superuser(self.hub) as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT worker_id FROM executions WHERE created_at > to_timestamp($1)", since
            )
        return {row["worker_id"] for row in rows}


@pytest.fixture(scope="module")
async def pair() -> AsyncIterator[Pair]:
    async with AsyncExitStack() as opened:
        stub = await opened.enter_async_context(stub_model(latency_ms=1000 * THINKING_S))
        folder = opened.enter_context(TemporaryDirectory(prefix="aiox-test-"))
        settings = Settings(
            home=Path(folder),
            ports=free_ports(),
            telemetry=Telemetry(sample_rate=1.0),
            model=Model(provider="openai", name="stub", api_base=stub.url),
        )
        hub = RunningHub(prepare(settings), settings, {"AIOX_MODEL__API_KEY": "sk-stub"})
        await hub.start("--no-demo", "--workers", "2")
        opened.push_async_callback(hub.stop)
        people: list[tuple[Person, str]] = []
        for _ in range(AT_ONCE):
            owner = await hub.account(quota=ROOMY_ACCOUNT)
            agent = await hub.agent(owner, governance=ROOMY)
            people.append((await opened.enter_async_context(online(hub, owner)), agent.jid))
        yield Pair(hub, stub, people)


async def test_both_work_under_names_and_ports_of_their_own(pair: Pair) -> None:
    await pair.both_there()
    since = time.time()
    await asyncio.gather(*await pair.ask_all("share this"))
    assert await pair.thinkers(since) == {pair.worker_id(1), pair.worker_id(2)}


async def test_one_that_is_asked_to_stop_finishes_what_it_has(pair: Pair) -> None:
    await pair.both_there()
    asked, before, since = await pair.ask_all("finish this"), pair.model.count, time.time()
    os.kill(pair.hub.pids()["ai_worker-2"], signal.SIGTERM)
    assert await asyncio.gather(*asked) == ["echo: finish this"] * AT_ONCE
    assert pair.model.count == before  # nothing was asked twice
    assert await pair.thinkers(since) == {pair.worker_id(1), pair.worker_id(2)}


async def _lose(pair: Pair, number: signal.Signals) -> None:
    await pair.both_there()
    asked, before, since = await pair.ask_all(f"survive {number.name}"), pair.model.count, time.time()
    victim = pair.hub.pids()["ai_worker-2"]
    lost_at = time.monotonic()
    os.kill(victim, number)
    try:
        answers = await asyncio.gather(*asked)
        took = time.monotonic() - lost_at
    finally:
        if number is signal.SIGSTOP:
            os.kill(victim, signal.SIGCONT)
    assert answers == [f"echo: survive {number.name}"] * AT_ONCE
    assert took < THINKING_S + ELSEWHERE_S
    assert pair.model.count > before  # some were asked again
    assert await pair.thinkers(since) == {pair.worker_id(1)}
    bodies = [
        sum("survive" in (got.findtext("{jabber:client}body") or "") for got in who.got) for who, _ in pair.people
    ]
    assert len(set(bodies)) == 1  # nobody was answered twice


async def test_what_a_killed_worker_thought_about_is_answered_by_the_other(pair: Pair) -> None:
    await _lose(pair, signal.SIGKILL)


async def test_who_listens_over_http_is_told_that_a_lost_turn_begins_anew(pair: Pair) -> None:
    await pair.both_there()
    owner = await pair.hub.account(quota=ROOMY_ACCOUNT)
    agents = [await pair.hub.agent(owner, governance=ROOMY) for _ in range(4)]
    async with signed_in(pair.hub, owner) as client:
        before, body = pair.model.count, {"text": "tell me"}
        listening = [
            asyncio.create_task(events_of(client, "POST", f"/v1/agents/{agent.agent_id}/messages", body))
            for agent in agents
        ]
        async with asyncio.timeout(30):
            while pair.model.count < before + len(agents):
                await asyncio.sleep(0.01)
        os.kill(pair.hub.pids()["ai_worker-2"], signal.SIGKILL)
        told = await asyncio.gather(*listening)
    assert [events[-1][1]["answer"]["text"] for events in told] == ["echo: tell me"] * len(agents)
    states = [[data["state"] for name, data in events if name == "state"] for events in told]
    assert {tuple(one) for one in states} <= {("accepted", "thinking"), ("accepted", "thinking", "restarted")}
    assert ["accepted", "thinking", "restarted"] in states


async def test_one_that_came_back_under_its_name_is_used_again(pair: Pair) -> None:
    await pair.both_there()
    since = time.time()
    await asyncio.gather(*await pair.ask_all("share again"))
    assert await pair.thinkers(since) == {pair.worker_id(1), pair.worker_id(2)}


async def test_what_a_frozen_worker_thought_about_is_answered_by_the_other(pair: Pair) -> None:
    await _lose(pair, signal.SIGSTOP)
    async with asyncio.timeout(ELSEWHERE_S):  # awake, it is there again, though slow by its own count
        while (await pair.statuses())[pair.worker_id(2)] == "unavailable":
            await asyncio.sleep(0.1)
