"""A worker pool whose links the test holds in its hand."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

from aiox.kernel.envelope import WorkerBeat
from aiox.runtime.clock import SystemClock
from aiox.runtime.logs import configure_logs
from aiox.runtime.supervisor import Supervisor
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers.desk import Desk
from orchestrator.workers.link import WorkerLink, WorkerLost
from orchestrator.workers.pool import WorkerPool
from orchestrator.workers.queue import Claim

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

    async def think(self, asked: pb.TurnAsked, _desk: Desk) -> pb.TurnDone:
        self.asked.append(asked.request_id)
        answer: asyncio.Future[pb.TurnDone] = asyncio.get_running_loop().create_future()
        self.answers[asked.request_id] = answer
        return await answer

    def finish(self, request_id: str, error_code: str = "", tokens: int = 0) -> None:
        done = pb.TurnDone(request_id=request_id, success=not error_code, error_code=error_code, input_tokens=tokens)
        self.answers.pop(request_id).set_result(done)


@dataclass
class NoTools:
    """A desk at which nobody asks."""

    has_calls: bool = False
    begun: int = 0
    cost: list[int] = field(default_factory=list)
    """What attempts that ended early have cost; -1 while only this desk knows."""

    def begin(self) -> None:
        self.begun += 1

    def said(self, text: str) -> None:
        """A piece of an answer; nobody reads along."""

    def cut_off(self) -> Callable[[int], None]:
        number = len(self.cost)
        self.cost.append(-1)
        return lambda tokens: self.cost.__setitem__(number, tokens)

    async def asked(self, call: pb.ToolAsked) -> pb.ToolAllowed | pb.ToolRefused:
        raise AssertionError(call.tool_name)

    async def held(self, held: pb.TurnHeld) -> None:
        raise AssertionError(held.call_id)

    async def done(self, call: pb.ToolDone) -> None:
        raise AssertionError(call.call_id)


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

    async def arrives(
        self, worker_id: str, capacity: int, status: str = "healthy", active: int = 0, latency_ms: float = 0.0
    ) -> None:
        self.pool.heard(
            WorkerBeat(worker_id, "127.0.0.1", 1, "default", status, active, capacity, latency_ms, memory_bytes=0)
        )
        await settle()

    def ask(
        self,
        request_id: str,
        points: float = 0.5,
        order: int = 0,
        desk: Desk | None = None,
        hops: int = 0,
        *,
        high: bool = False,
    ) -> asyncio.Task[tuple[pb.TurnDone, str]]:
        asked = pb.TurnAsked(request_id=request_id, timeout_ms=60_000, hops=hops)
        return asyncio.create_task(
            self.pool.think("default", Claim((-points, order), points, high), asked, desk or NoTools())
        )


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)
