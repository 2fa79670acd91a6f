"""`aiox workers`: what GET /v1/workers says, as lines."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import uuid4

from aiox.cli.workers import listed, said
from aiox.commands.list_workers import WorkersListed
from aiox.kernel.envelope import WorkerBeat
from aiox.runtime.clock import SystemClock
from policy.workers import Demand, Standing
from registry.workers import WorkerRow, record_beats
from tests.stores import Stores


async def test_workers_are_listed(stores: Stores) -> None:
    name = f"worker-{uuid4().hex[:6]}"
    beat = WorkerBeat(name, "127.0.0.1", 1, "default", "healthy", 3, 8, 12.5, 64 << 20)
    await record_beats(stores.pools["orchestrator"], [(beat, Standing.HEALTHY)], SystemClock())
    line = next(line for line in (await listed(stores.settings)).splitlines() if line.startswith(name))
    for one in ("healthy", "3/8 turns", "64 MiB"):
        assert one in line


def test_the_queue_stands_below_them_and_none_is_said() -> None:
    row = WorkerRow("one", "default", Standing.DEGRADED, 8, 8, 900.0, 1 << 20, datetime(2026, 1, 2, tzinfo=UTC))
    text = said(WorkersListed([row], Demand(64, 2.5, 8, 8, 1), 5))
    assert "degraded" in text
    assert text.splitlines()[-1] == "64 turns wait, the oldest for 2.5 s; 5 workers would do."
    assert "Mend" in said(WorkersListed([], Demand(0, 0.0, 0, 0, 0), 0))
