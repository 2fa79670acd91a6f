"""What the hub knows of its workers, for people and for the next orchestrator (SPEC 7)."""

from __future__ import annotations

import json

from aiox.kernel.envelope import WorkerBeat
from aiox.runtime.clock import Clock
from aiox.runtime.postgres import Pool


async def record_beat(pool: Pool, beat: WorkerBeat, status: str, clock: Clock) -> None:
    """Writes a worker's latest state. `status` is the hub's judgement, which may differ from the worker's own."""
    await pool.execute(
        "INSERT INTO ai_workers AS w (worker_id, host, port, status, last_heartbeat, capabilities, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6, $5) ON CONFLICT (worker_id) DO UPDATE SET host = EXCLUDED.host,"
        " port = EXCLUDED.port, status = EXCLUDED.status, last_heartbeat = EXCLUDED.last_heartbeat,"
        " capabilities = EXCLUDED.capabilities",
        beat.worker_id,
        beat.host,
        beat.port,
        status,
        clock.now(),
        json.dumps({"pool": beat.pool, "capacity": beat.capacity}),
    )
