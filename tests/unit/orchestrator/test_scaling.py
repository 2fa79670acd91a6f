"""The scaling signal on /metrics: what the pool says, and a store that is away takes nothing from it."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import pytest
from prometheus_client import REGISTRY

from aiox.kernel.envelope import WorkerBeat
from aiox.runtime.clock import SystemClock
from aiox.runtime.logs import configure_logs
from orchestrator.backlog import Backlog
from orchestrator.known_agents import KnownAgent, KnownAgents
from orchestrator.proofs import Turn
from orchestrator.scaling import Scaling
from orchestrator.workers.pool import WorkerPool
from policy.workers import BEGUN, Demand, Standing
from tests.unit.orchestrator.messages import received

BEAT = WorkerBeat("worker-7", "127.0.0.1", 1, "default", "healthy", 8, 8, 50.0, 1)


class Workers:
    """A pool under load."""

    def __init__(self) -> None:
        self.there = [(BEAT, Standing.HEALTHY)]

    def demand(self) -> Demand:
        return Demand(queued=32, oldest_wait_s=1.5, busy=8, places=8, workers=1)

    def standings(self) -> list[tuple[WorkerBeat, Standing]]:
        return self.there


class NoStore:
    """PostgreSQL that is away."""

    def __getattr__(self, _name: str) -> Any:
        raise OSError("away")


async def test_the_metrics_say_what_the_queue_looks_like() -> None:
    workers = Workers()
    log = configure_logs("test", "ERROR")
    backlog = Backlog(KnownAgents(), lambda _pool: 8)
    scaling = Scaling(cast("WorkerPool", workers), backlog, cast("Any", NoStore()), "o", SystemClock(), log)
    with pytest.raises(OSError, match="away"):
        await scaling.say()
    values = {
        name: REGISTRY.get_sample_value(name)
        for name in ("aiox_queue_depth", "aiox_queue_oldest_wait_seconds", "aiox_workers_wanted", "aiox_worker_places")
    }
    assert list(values.values()) == [32, 1.5, 3, 8]
    workers.there = []
    with pytest.raises(OSError, match="away"):
        await scaling.say()
    status = {
        one: REGISTRY.get_sample_value("aiox_python_worker_health", {"worker_id": "worker-7", "status": one})
        for one in Standing
    }
    assert status == {**dict.fromkeys(Standing, 0.0), Standing.UNAVAILABLE: 1.0}


async def test_what_waits_before_the_pool_counts_too() -> None:
    """Else a burst, most of which waits there, would ask for no worker more."""
    agents, log = KnownAgents(), configure_logs("test", "ERROR")
    backlog = Backlog(agents, lambda _pool: 1)

    async def comes(turn: Turn) -> None:
        async with backlog.passed(turn):
            await asyncio.Event().wait()

    tasks = list[asyncio.Task[None]]()
    for number in range(BEGUN + 32):
        turn = Turn(received(), 0, 1, number)
        agents.learn(turn.message.agent_jid, KnownAgent(0.5, "default", 0.5))
        tasks.append(asyncio.create_task(comes(turn)))
    await asyncio.sleep(0)
    scaling = Scaling(cast("WorkerPool", Workers()), backlog, cast("Any", NoStore()), "o", SystemClock(), log)
    with pytest.raises(OSError, match="away"):
        await scaling.say()
    assert REGISTRY.get_sample_value("aiox_queue_depth") == 32 + 32
    assert REGISTRY.get_sample_value("aiox_workers_wanted") == 4
    for task in tasks:
        task.cancel()
