"""Who is there, who is free: registry of workers by their beats, least-loaded choice, a queue in the scores' order.

The judgement is that of policy/workers.py. A worker's places are shared with other orchestrators: one that says
HUB_BUSY is left alone for a moment and the turn goes back into the queue with the claim it had. Where turns of high
priority come, a few places are for them only.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any

from aiox.kernel.envelope import WorkerBeat
from aiox.kernel.errors import ErrorCode
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.supervisor import Supervisor
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers.desk import CallsInterrupted, Desk
from orchestrator.workers.link import WorkerLink, WorkerLost
from orchestrator.workers.member import Member
from orchestrator.workers.queue import Claim, Queue, Waiting
from policy.workers import Candidate, Demand, Standing, choose, kept_places, standing

WAIT_WITHOUT_WORKER_S = 10.0
"""How long a turn waits while no worker of its pool is there at all."""
MAX_WAITING = 10_000
BUSY_PAUSE_S = 0.02
"""How long a worker that said HUB_BUSY gets nothing new, unless a turn of ours ends there before."""
ANSWER_MARGIN_S = 2.0
"""What a worker may take beyond the turn's own time to say that the time is up."""

Connect = Callable[[WorkerBeat], WorkerLink]
Remember = Callable[[WorkerBeat, str], Coroutine[Any, Any, None]]


class NoWorker(Exception):
    """No worker of this pool is there, or too many turns wait already. The message says which."""


class WorkerPool:
    """Chooses workers and waits for free places. One instance per orchestrator; not shared between event loops."""

    def __init__(self, supervisor: Supervisor, connect: Connect, remember: Remember, clock: Clock, log: Log) -> None:
        self._supervisor = supervisor
        self._connect = connect
        self._remember = remember
        self._clock = clock
        self._log = log
        self._workers: dict[str, Member] = {}
        self._queues: dict[str, Queue] = {}
        self._order = itertools.count()

    def heard(self, beat: WorkerBeat) -> None:
        """Takes a beat: a new worker gets a link, a known one its new figures."""
        known = self._workers.get(beat.worker_id)
        if known is None:
            known = Member(beat, self._connect(beat))
            self._workers[beat.worker_id] = known
            self._supervisor.run_once(f"link {beat.worker_id}", self._keep(known))
        known.heard(beat)
        self._wake(beat.pool)

    def free_share(self, pool: str) -> float:
        """C of the scoring model: the share of this pool's places that are free for every turn."""
        members = self._members(pool)
        places = sum(worker.beat.capacity for worker in members)
        free = sum(worker.free for worker in members) - self._kept(pool)
        return max(0, free) / places if places else 0.0

    def places(self, pool: str) -> int:
        """How many turns the pool's workers take at a time, without those that stop."""
        there = [worker for worker in self._members(pool) if worker.open and worker.beat.status != "draining"]
        return sum(worker.beat.capacity for worker in there)

    def healthy(self) -> int:
        """How many workers could take a turn."""
        return sum(1 for worker in self._workers.values() if worker.open)

    def demand(self) -> Demand:
        """All pools together, as it is now."""
        now = self._clock.monotonic()
        waits = [now - turn.since for queue in self._queues.values() for turn in queue]
        there = [worker for worker in self._workers.values() if worker.open]
        return Demand(
            queued=len(waits),
            oldest_wait_s=max(waits, default=0.0),
            busy=sum(worker.busy for worker in there),
            places=sum(worker.beat.capacity for worker in there),
            workers=len(there),
        )

    def standings(self) -> list[tuple[WorkerBeat, Standing]]:
        """Every worker heard of, with its last beat and the hub's judgement."""
        return [(worker.beat, self._standing(worker)) for worker in self._workers.values()]

    async def think(self, pool: str, claim: Claim, asked: pb.TurnAsked, desk: Desk) -> tuple[pb.TurnDone, str]:
        """Asks the best worker when the turn's claim is next; another one when it is busy or lost.

        All within the turn's own time and ANSWER_MARGIN_S. Raises NoWorker, TimeoutError, CallsInterrupted when the
        worker was lost after a tool was let through, and what the desk raises.
        """
        until = self._clock.monotonic() + asked.timeout_ms / 1000
        while True:
            worker = self._beside(pool) if asked.hops else await self._place(pool, claim, until)
            try:
                done = await self._ask(worker, asked, desk, until)
            finally:
                self._left(pool, claim, beside=bool(asked.hops))
            if done is not None:
                return done, worker.beat.worker_id
            if desk.has_calls:
                raise CallsInterrupted(worker.beat.worker_id)

    def index(self, pool: str, given: pb.DocumentGiven, timeout_s: float) -> AsyncGenerator[pb.DocumentIndexed, None]:
        """Has a document indexed by the least-loaded worker: how far it is, last how it ended.

        Raises NoWorker at once; the generator raises WorkerLost.
        """
        members = [worker for worker in self._members(pool) if worker.open]
        if not members:
            raise NoWorker("no healthy worker")
        return min(members, key=lambda worker: worker.load).link.index(given, timeout_s)

    async def look(self, pool: str, asked: pb.McpLookAsked, timeout_s: float) -> pb.McpLooked:
        """Has an MCP server looked at by the least-loaded worker. Raises NoWorker, WorkerLost."""
        members = [worker for worker in self._members(pool) if worker.open]
        if not members:
            raise NoWorker("no healthy worker")
        return await min(members, key=lambda worker: worker.load).link.look(asked, timeout_s)

    async def _ask(self, worker: Member, asked: pb.TurnAsked, desk: Desk, until: float) -> pb.TurnDone | None:
        """One try at one worker, whose place is given back; None when the turn must go elsewhere."""
        done: pb.TurnDone | None = None
        failed = busy = False
        left = max(0.0, until - self._clock.monotonic())
        asked.timeout_ms = round(left * 1000)
        desk.begin()
        try:
            async with asyncio.timeout(left + ANSWER_MARGIN_S):
                done = await worker.link.think(asked, desk)
            failed, busy = done.error_code == ErrorCode.INTERNAL, done.error_code == ErrorCode.HUB_BUSY
        except WorkerLost as lost:
            failed = True
            self._log.warning("worker_lost_turn", request_id=asked.request_id, reason=str(lost))
        finally:
            worker.ended(failed=failed)
            if busy:
                _count(done, desk)
                worker.resting = True
                asyncio.get_running_loop().call_later(BUSY_PAUSE_S, self._rested, worker)
        return None if busy else done

    def _left(self, pool: str, claim: Claim, *, beside: bool = False) -> None:
        """A place that was given for a claim is free again."""
        if claim.high and not beside:
            self._queues[pool].high_running -= 1
        self._wake(pool)

    def _members(self, pool: str) -> list[Member]:
        return [worker for worker in self._workers.values() if worker.beat.pool == pool]

    def _standing(self, worker: Member) -> Standing:
        if not worker.open:
            return Standing.UNAVAILABLE
        others = [other.figures for other in self._members(worker.beat.pool) if other is not worker and other.open]
        return standing(worker.figures, others)

    def _best(self, pool: str, points: float) -> Member | None:
        free = [worker for worker in self._members(pool) if worker.free]
        if len(free) == 1:
            return free[0]
        chosen = choose(
            [Candidate(one.beat.worker_id, self._standing(one), one.load, one.beat.mean_latency_ms) for one in free],
            points,
        )
        return self._workers[chosen] if chosen else None

    def _beside(self, pool: str) -> Member:
        """A worker for a turn that another turn waits for: its place is that one's, or all might wait for ever.

        Raises NoWorker.
        """
        there = [worker for worker in self._members(pool) if worker.open and worker.beat.status != "draining"]
        if not there:
            raise NoWorker("no healthy worker")
        chosen = min(there, key=lambda worker: worker.load)
        chosen.began()
        return chosen

    async def _place(self, pool: str, claim: Claim, until: float) -> Member:
        """A worker with a place counted for the caller, who must end it and say that it `_left`.

        Raises NoWorker, also at `until`.
        """
        queue = self._queues.setdefault(pool, Queue())
        if len(queue) >= MAX_WAITING:
            raise NoWorker("the queue is full")
        place: asyncio.Future[Member] = asyncio.get_running_loop().create_future()
        queue.put(Waiting(claim, next(self._order), self._clock.monotonic(), place))
        self._wake(pool)
        try:
            while True:
                left = until - self._clock.monotonic()
                done, _ = await asyncio.wait([place], timeout=max(0.0, min(WAIT_WITHOUT_WORKER_S, left)))
                if done:
                    return place.result()
                if not any(worker.open for worker in self._members(pool)):
                    raise NoWorker("no healthy worker")
                if left <= 0:
                    raise NoWorker("no worker had a free place in time")
        except BaseException:
            if place.done() and not place.cancelled():
                place.result().ended(failed=False)
                self._left(pool, claim)
            place.cancel()
            raise

    def _wake(self, pool: str) -> None:
        """Gives free places to those who wait, who is due first; the last few only to those of high priority."""
        queue = self._queues.get(pool)
        while queue:
            free = sum(worker.free for worker in self._members(pool))
            turn = queue.take(high_only=free <= self._kept(pool)) if free else None
            if turn is None:
                return
            best = self._best(pool, turn.claim.points)
            if best is None:
                queue.put(turn)
                return
            best.began()
            queue.high_running += turn.claim.high
            turn.place.set_result(best)

    def _kept(self, pool: str) -> int:
        queue = self._queues.get(pool)
        if queue is None or queue.high_at is None:
            return 0
        return kept_places(self.places(pool), self._clock.monotonic() - queue.high_at, queue.high_running)

    def _rested(self, worker: Member) -> None:
        worker.resting = False
        self._wake(worker.beat.pool)

    async def _keep(self, worker: Member) -> None:
        """Runs a link until it breaks; the next beat makes a new one."""
        worker_id = worker.beat.worker_id

        def opened() -> None:
            worker.open = True
            self._log.info("worker_connected", worker_id=worker_id)
            self._supervisor.run_once(f"remember {worker_id}", self._remember(worker.beat, Standing.HEALTHY))
            self._wake(worker.beat.pool)

        try:
            await worker.link.run(opened)
        except WorkerLost as lost:
            self._log.warning("worker_lost", worker_id=worker_id, reason=str(lost))
        finally:
            worker.open = False
            if self._workers.get(worker_id) is worker:
                del self._workers[worker_id]
        if worker_id not in self._workers:
            await self._remember(worker.beat, Standing.UNAVAILABLE)


def _count(given_up: pb.TurnDone | None, desk: Desk) -> None:
    """A worker that stops gives a running turn up: what it has cost is paid."""
    if given_up is not None and (tokens := given_up.input_tokens + given_up.output_tokens):
        desk.cut_off()(tokens)
