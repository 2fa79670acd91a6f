"""GET /v1/workers: the hub's judgement of each worker, and the scaling signal of all orchestrators together."""

from __future__ import annotations

from uuid import uuid4

from aiox.kernel.envelope import WorkerBeat
from aiox.runtime.clock import SystemClock
from policy.workers import Demand, Standing
from registry.workers import record_beats, record_signal
from tests.integration.gateway.door import HttpDoor


def beat(worker_id: str, active: int) -> WorkerBeat:
    return WorkerBeat(worker_id, "127.0.0.1", 1, "default", "healthy", active, 8, 12.5, 1000)


async def test_workers_and_the_queue_before_them(door: HttpDoor) -> None:
    ada, pool = await door.person(), door.stores.pools["orchestrator"]
    good, bad, gone = (f"{name}-{uuid4().hex[:6]}" for name in ("good", "slow", "gone"))
    known = [(beat(good, 8), Standing.HEALTHY), (beat(bad, 2), Standing.DEGRADED), (beat(gone, 0), Standing.HEALTHY)]
    async with door.stores.superuser() as connection:
        await connection.execute("DELETE FROM ai_workers")  # those of the tests before may still count as alive
        await connection.execute("DELETE FROM scaling_signals")
    await record_beats(pool, known, SystemClock())
    for name, queued, wait in (("one", 30, 0.5), ("two", 34, 2.5), ("dead", 1000, 99.0)):
        await record_signal(pool, name, Demand(queued, wait, 0, 0, 0), 1)
    async with door.stores.superuser() as connection:
        await connection.execute(
            "UPDATE ai_workers SET last_heartbeat = now() - interval '6 s' WHERE worker_id = $1", gone
        )
        await connection.execute(
            "UPDATE scaling_signals SET updated_at = now() - interval '6 s' WHERE orchestrator = 'dead'"
        )
    answer = await door.client.get("/v1/workers", headers=ada.headers)
    assert answer.status_code == 200
    listed = {item["worker_id"]: item for item in answer.json()["items"]}
    assert [listed[name]["status"] for name in (good, bad, gone)] == ["healthy", "degraded", "unavailable"]
    assert (listed[good]["active"], listed[good]["capacity"], listed[good]["mean_latency_ms"]) == (8, 8, 12.5)
    assert "host" not in listed[good]
    queue = answer.json()["queue"]
    assert (queue["depth"], queue["oldest_wait_s"]) == (64, 2.5)
    assert (queue["busy"], queue["places"], queue["wanted_workers"]) == (10, 16, 5)


async def test_strangers_see_nothing(door: HttpDoor) -> None:
    assert (await door.client.get("/v1/workers")).status_code == 401
