"""What the hub knows of its workers and of the queue before them, for people and for `aiox autoscale` (SPEC 7)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from aiox.kernel.envelope import WorkerBeat
from aiox.runtime.clock import Clock
from aiox.runtime.postgres import Pool
from policy.workers import Demand, Standing

FRESH_S: Final = 5
"""A worker or an orchestrator that was not heard of for so long is not counted."""
_LISTED_H: Final = 24


@dataclass(frozen=True, slots=True)
class WorkerRow:
    """A worker as it is listed."""

    worker_id: str
    pool: str
    status: Standing
    """The hub's judgement; unavailable when it was not heard of for FRESH_S."""
    active: int
    capacity: int
    mean_latency_ms: float
    memory_bytes: int
    last_heartbeat: datetime


@dataclass(frozen=True, slots=True)
class Signal:
    """The queues of all orchestrators that live."""

    queued: int
    oldest_wait_s: float


async def record_beat(pool: Pool, beat: WorkerBeat, status: str, clock: Clock) -> None:
    """Writes a worker's latest state. `status` is the hub's judgement, which may differ from the worker's own."""
    await record_beats(pool, [(beat, Standing(status))], clock)


async def record_beats(pool: Pool, workers: Sequence[tuple[WorkerBeat, Standing]], clock: Clock) -> None:
    """The same for many at once."""
    now = clock.now()
    ordered = sorted(workers, key=lambda worker: worker[0].worker_id)  # two writers never wait for each other in a ring
    await pool.executemany(
        "INSERT INTO ai_workers AS w (worker_id, host, port, status, last_heartbeat, capabilities, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $5) ON CONFLICT (worker_id) DO UPDATE SET host = EXCLUDED.host,"
        " port = EXCLUDED.port, status = EXCLUDED.status, last_heartbeat = EXCLUDED.last_heartbeat,"
        " capabilities = EXCLUDED.capabilities",
        [(beat.worker_id, beat.host, beat.port, status, now, _capabilities(beat)) for beat, status in ordered],
    )


async def list_workers(pool: Pool) -> list[WorkerRow]:
    """The workers heard of within a day, by name."""
    rows = await pool.fetch(
        "SELECT worker_id, capabilities, last_heartbeat,"
        " CASE WHEN last_heartbeat < now() - make_interval(secs => $1) THEN 'unavailable' ELSE status END AS status"
        " FROM ai_workers WHERE last_heartbeat > now() - make_interval(hours => $2) ORDER BY worker_id",
        float(FRESH_S),
        _LISTED_H,
    )
    return [_row(row["worker_id"], row["status"], row["last_heartbeat"], row["capabilities"]) for row in rows]


async def record_signal(pool: Pool, orchestrator: str, demand: Demand, wanted: int) -> None:
    """Writes what one orchestrator's queue looks like now, and forgets those that are long gone."""
    await pool.execute(
        "WITH gone AS (DELETE FROM scaling_signals WHERE updated_at < now() - interval '1 minute'"
        " AND orchestrator <> $1)"
        " INSERT INTO scaling_signals (orchestrator, queued, oldest_wait_s, wanted_workers, updated_at)"
        " VALUES ($1, $2, $3, $4, now()) ON CONFLICT (orchestrator) DO UPDATE SET queued = EXCLUDED.queued,"
        " oldest_wait_s = EXCLUDED.oldest_wait_s, wanted_workers = EXCLUDED.wanted_workers, updated_at = now()",
        orchestrator,
        demand.queued,
        demand.oldest_wait_s,
        wanted,
    )


async def load_signal(pool: Pool) -> Signal:
    """All queues together; zeros when no orchestrator lives."""
    row = await pool.fetchrow(
        "SELECT coalesce(sum(queued), 0)::int AS queued, coalesce(max(oldest_wait_s), 0) AS oldest_wait_s"
        " FROM scaling_signals WHERE updated_at > now() - make_interval(secs => $1)",
        float(FRESH_S),
    )
    return Signal(row["queued"], row["oldest_wait_s"]) if row is not None else Signal(0, 0.0)


def _capabilities(beat: WorkerBeat) -> str:
    return json.dumps(
        {
            "pool": beat.pool,
            "capacity": beat.capacity,
            "active": beat.active_requests,
            "mean_latency_ms": beat.mean_latency_ms,
            "memory_bytes": beat.memory_bytes,
        }
    )


def _row(worker_id: str, status: str, last_heartbeat: datetime, capabilities: str) -> WorkerRow:
    said = json.loads(capabilities)
    return WorkerRow(
        worker_id=worker_id,
        pool=said["pool"],
        status=Standing(status),
        active=said.get("active", 0),
        capacity=said["capacity"],
        mean_latency_ms=said.get("mean_latency_ms", 0.0),
        memory_bytes=said.get("memory_bytes", 0),
        last_heartbeat=last_heartbeat,
    )
