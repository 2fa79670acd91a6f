"""Who is there, who is free: registry of workers by their beats, least-loaded choice, a queue in score order."""

from __future__ import annotations

import asyncio
import heapq
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from aiox.kernel.envelope import WorkerBeat
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.supervisor import Supervisor
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers.link import WorkerLink, WorkerLost

WAIT_WITHOUT_WORKER_S = 10.0
"""How long a turn waits while no worker of its pool is there at all."""
MAX_WAITING = 10_000

Connect = Callable[[WorkerBeat], WorkerLink]
Remember = Callable[[WorkerBeat, str], Awaitable[None]]


class NoWorker(Exception):
    """No worker of this pool is there, or too many turns wait already. The message says which."""


@dataclass(slots=True)
class _Worker:
    beat: WorkerBeat
    link: WorkerLink
    open: bool = False
    active: int = 0

    @property
    def free(self) -> int:
        return max(0, self.beat.capacity - self.active) if self.open and self.beat.status != "draining" else 0

    @property
    def load(self) -> float:
        return self.active / max(1, self.beat.capacity)


class WorkerPool:
    """Chooses workers and waits for free slots. One instance per orchestrator; not shared between event loops."""

    def __init__(self, supervisor: Supervisor, connect: Connect, remember: Remember, clock: Clock, log: Log) -> None:
        self._supervisor = supervisor
        self._connect = connect
        self._remember = remember
        self._clock = clock
        self._log = log
        self._workers: dict[str, _Worker] = {}
        self._queues: dict[str, list[tuple[tuple[float, int], int, asyncio.Future[None]]]] = {}
        self._order = itertools.count()

    def heard(self, beat: WorkerBeat) -> None:
        """Takes a beat: a new worker gets a link, a known one its new figures."""
        known = self._workers.get(beat.worker_id)
        if known is None:
            known = _Worker(beat, self._connect(beat))
            self._workers[beat.worker_id] = known
            self._supervisor.run_once(f"link {beat.worker_id}", self._keep(known))
        known.beat = beat
        self._wake(beat.pool)

    def free_share(self, pool: str) -> float:
        """C of the scoring model: the share of this pool's slots that are free."""
        members = self._members(pool)
        slots = sum(worker.beat.capacity for worker in members)
        return sum(worker.free for worker in members) / slots if slots else 0.0

    def healthy(self) -> int:
        """How many workers could take a turn."""
        return sum(1 for worker in self._workers.values() if worker.open)

    async def think(self, pool: str, key: tuple[float, int], asked: pb.TurnAsked) -> tuple[pb.TurnDone, str]:
        """Asks the least-loaded worker, in the order of `key`; another one when it is lost. Raises NoWorker."""
        while True:
            worker = await self._slot(pool, key)
            worker.active += 1
            try:
                return await worker.link.think(asked), worker.beat.worker_id
            except WorkerLost as lost:
                self._log.warning("worker_lost_turn", request_id=asked.request_id, reason=str(lost))
            finally:
                worker.active -= 1
                self._wake(pool)

    async def index(self, pool: str, given: pb.DocumentGiven, timeout_s: float) -> pb.DocumentIndexed:
        """Has a document indexed by the least-loaded worker. Raises NoWorker or WorkerLost."""
        members = [worker for worker in self._members(pool) if worker.open]
        if not members:
            raise NoWorker("no healthy worker")
        return await min(members, key=lambda worker: worker.load).link.index(given, timeout_s)

    def _members(self, pool: str) -> list[_Worker]:
        return [worker for worker in self._workers.values() if worker.beat.pool == pool]

    def _best(self, pool: str) -> _Worker | None:
        free = [worker for worker in self._members(pool) if worker.free]
        return min(free, key=lambda worker: (worker.load, worker.beat.worker_id)) if free else None

    async def _slot(self, pool: str, key: tuple[float, int]) -> _Worker:
        queue = self._queues.setdefault(pool, [])
        best = self._best(pool)
        if best is not None and not queue:
            return best
        if len(queue) >= MAX_WAITING:
            raise NoWorker("the queue is full")
        while True:
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            heapq.heappush(queue, (key, next(self._order), turn))
            self._wake(pool)
            try:
                async with asyncio.timeout(WAIT_WITHOUT_WORKER_S):
                    await turn
            except TimeoutError:
                if not any(worker.open for worker in self._members(pool)):
                    raise NoWorker("no healthy worker") from None
                continue
            finally:
                turn.cancel()
            best = self._best(pool)
            if best is not None:
                return best

    def _wake(self, pool: str) -> None:
        queue = self._queues.get(pool, [])
        free = sum(worker.free for worker in self._members(pool))
        while queue and free > 0:
            _, _, turn = heapq.heappop(queue)
            if not turn.done():
                turn.set_result(None)
                free -= 1

    async def _keep(self, worker: _Worker) -> None:
        """Runs a link until it breaks; the next beat makes a new one."""

        def opened() -> None:
            worker.open = True
            self._log.info("worker_connected", worker_id=worker.beat.worker_id)
            self._wake(worker.beat.pool)

        try:
            await self._remember(worker.beat, "healthy")
            await worker.link.run(opened)
        except WorkerLost as lost:
            self._log.warning("worker_lost", worker_id=worker.beat.worker_id, reason=str(lost))
        finally:
            worker.open = False
            self._workers.pop(worker.beat.worker_id, None)
        await self._remember(worker.beat, "unavailable")
