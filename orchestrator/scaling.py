"""The scaling signal: how long the queue is, how long the oldest waits, how many workers would carry it (SPEC 7).

The formula is in policy/workers.py. Said once a second, as metrics of this process and as a row for the whole hub.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from prometheus_client import Gauge

from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool, StoreTrouble
from orchestrator.backlog import Backlog
from orchestrator.workers.pool import WorkerPool
from policy.workers import Standing, wanted_workers
from registry.workers import record_beats, record_signal

EVERY_S: Final = 1.0
QUEUE: Final = Gauge(
    "aiox_queue_depth", "Turns of this orchestrator that wait for a worker's place, or to be prepared for one"
)
OLDEST: Final = Gauge("aiox_queue_oldest_wait_seconds", "How long the oldest of them waits")
WANTED: Final = Gauge("aiox_workers_wanted", "Workers that would carry the demand, 1 to 10")
BUSY: Final = Gauge("aiox_worker_places_busy", "Places of all workers in use")
PLACES: Final = Gauge("aiox_worker_places", "Places of all workers that answer")
DEBOUNCING: Final = Gauge("aiox_debounce_pending", "Turns that one message more would still restart, merged")
HEALTH: Final = Gauge(
    "aiox_python_worker_health", "1 for the status a worker has, 0 for others", ["worker_id", "status"]
)


class Scaling:
    """Watches the pool and what waits before it. `orchestrator` is the name of this process among its kind;
    `debouncing` counts its turns that are within their debounce window.
    """

    def __init__(
        self,
        workers: WorkerPool,
        backlog: Backlog,
        pool: Pool,
        orchestrator: str,
        clock: Clock,
        log: Log,
        debouncing: Callable[[], int] = lambda: 0,
    ) -> None:
        self._workers = workers
        self._backlog = backlog
        self._pool = pool
        self._orchestrator = orchestrator
        self._clock = clock
        self._log = log
        self._debouncing = debouncing
        self._shown: set[str] = set()

    async def run(self) -> None:
        """Says it until cancelled. A store that is away misses a second or two, the metrics none."""
        while True:
            try:
                await self.say()
            except (*StoreTrouble, TimeoutError) as away:
                self._log.warning("scaling_signal_not_stored", error=repr(away))
            await asyncio.sleep(EVERY_S)

    async def say(self) -> None:
        """Once, now. Raises StoreTrouble or TimeoutError; then the metrics are right all the same."""
        demand, standings = self._backlog.added_to(self._workers.demand()), self._workers.standings()
        wanted = wanted_workers(demand)
        QUEUE.set(demand.queued)
        OLDEST.set(demand.oldest_wait_s)
        WANTED.set(wanted)
        BUSY.set(demand.busy)
        PLACES.set(demand.places)
        DEBOUNCING.set(self._debouncing())
        self._show({beat.worker_id: standing for beat, standing in standings})
        await record_signal(self._pool, self._orchestrator, demand, wanted)
        answering = [(beat, standing) for beat, standing in standings if standing is not Standing.UNAVAILABLE]
        await record_beats(self._pool, answering, self._clock)

    def _show(self, standings: dict[str, Standing]) -> None:
        for worker_id in self._shown | set(standings):
            now = standings.get(worker_id, Standing.UNAVAILABLE)
            for status in Standing:
                HEALTH.labels(worker_id, status).set(float(status is now))
        self._shown = set(standings) | self._shown
