"""Worker pool: least-loaded choice, waiting in score order, a lost worker's turn goes elsewhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

import pytest

from aiox.kernel.envelope import WorkerBeat
from aiox.runtime.clock import SystemClock
from aiox.runtime.logs import configure_logs
from aiox.runtime.supervisor import Supervisor
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers import pool as pool_module
from orchestrator.workers.link import WorkerLink, WorkerLost
from orchestrator.workers.pool import NoWorker, WorkerPool

LOG = configure_logs("test", "ERROR")


@dataclass
class FakeLink:
    """Stands at the edge where the gRPC stream would be."""

    name: str
    asked: list[str] = field(default_factory=list)
    answers: dict[str, asyncio.Future[pb.TurnDone]] = field(default_factory=dict)
    broken: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, opened: Callable[[], None]) -> None:
        opened()
        await self.broken.wait()
        for answer in self.answers.values():
            if not answer.done():
                answer.set_exception(WorkerLost(self.name))
        raise WorkerLost(self.name)

    async def think(self, asked: pb.TurnAsked) -> pb.TurnDone:
        self.asked.append(asked.request_id)
        answer: asyncio.Future[pb.TurnDone] = asyncio.get_running_loop().create_future()
        self.answers[asked.request_id] = answer
        return await answer

    def finish(self, request_id: str) -> None:
        self.answers[request_id].set_result(pb.TurnDone(request_id=request_id, success=True))


class House:
    """A pool with links that the test holds in its hand."""

    def __init__(self) -> None:
        self.links: dict[str, FakeLink] = {}
        self.remembered: list[tuple[str, str]] = []
        self.pool = WorkerPool(Supervisor(LOG), self._connect, self._remember, SystemClock(), LOG)

    def _connect(self, beat: WorkerBeat) -> WorkerLink:
        self.links[beat.worker_id] = FakeLink(beat.worker_id)
        return cast("WorkerLink", self.links[beat.worker_id])

    async def _remember(self, beat: WorkerBeat, status: str) -> None:
        self.remembered.append((beat.worker_id, status))

    async def arrives(self, worker_id: str, capacity: int, status: str = "healthy") -> None:
        self.pool.heard(WorkerBeat(worker_id, "127.0.0.1", 1, "default", status, 0, capacity, 0.0, 0))
        await settle()

    def ask(self, request_id: str, points: float = 0.5, order: int = 0) -> asyncio.Task[tuple[pb.TurnDone, str]]:
        return asyncio.create_task(self.pool.think("default", (-points, order), pb.TurnAsked(request_id=request_id)))


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


async def test_turns_go_to_the_least_loaded_worker() -> None:
    house = House()
    await house.arrives("a", 4)
    await house.arrives("b", 4)
    turns = [house.ask(str(number)) for number in range(4)]
    await settle()
    assert len(house.links["a"].asked) == len(house.links["b"].asked) == 2
    for turn in turns:
        turn.cancel()


async def test_waiting_turns_are_served_by_score_then_admission() -> None:
    house = House()
    await house.arrives("a", 1)
    turns = [house.ask("first"), house.ask("low", 0.1, 1), house.ask("high", 0.9, 3), house.ask("high-later", 0.9, 4)]
    link = house.links["a"]
    for expected in ("first", "high", "high-later", "low"):
        await settle()
        assert link.asked[-1] == expected
        link.finish(expected)
    await asyncio.gather(*turns)


async def test_a_lost_workers_turn_is_asked_elsewhere() -> None:
    house = House()
    await house.arrives("a", 1)
    turn = house.ask("t")
    await settle()
    await house.arrives("b", 1)
    house.links["a"].broken.set()
    await settle()
    assert house.links["b"].asked == ["t"]
    house.links["b"].finish("t")
    _, worker_id = await turn
    assert worker_id == "b"
    assert ("a", "unavailable") in house.remembered


async def test_a_draining_worker_gets_nothing_new() -> None:
    house = House()
    await house.arrives("a", 4)
    await house.arrives("a", 4, "draining")
    await house.arrives("b", 4)
    turns = [house.ask(str(number)) for number in range(3)]
    await settle()
    assert house.links["a"].asked == []
    assert len(house.links["b"].asked) == 3
    for turn in turns:
        turn.cancel()


async def test_without_a_worker_the_turn_is_refused_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_module, "WAIT_WITHOUT_WORKER_S", 0.01)
    with pytest.raises(NoWorker):
        await House().ask("t")


async def test_a_turn_that_waited_is_served_when_a_worker_arrives() -> None:
    house = House()
    turn = house.ask("t")
    await settle()
    await house.arrives("a", 1)
    assert house.links["a"].asked == ["t"]
    house.links["a"].finish("t")
    await turn


async def test_free_share_counts_open_slots() -> None:
    house = House()
    assert house.pool.free_share("default") == 0.0
    await house.arrives("a", 4)
    turn = house.ask("t")
    await settle()
    assert house.pool.free_share("default") == 0.75
    turn.cancel()
