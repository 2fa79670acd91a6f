"""`aiox workers`: the pool that thinks, and the queue before it."""

from __future__ import annotations

from aiox.cli.agents import done
from aiox.cli.users import open_desk
from aiox.commands import list_workers
from aiox.commands.list_workers import ListWorkers, WorkersListed
from aiox.runtime.settings import Settings


async def listed(settings: Settings) -> str:
    """One line per worker, then the queue. Raises CannotGoOn."""
    async with open_desk(settings) as desk:
        return said(done(await list_workers.run(desk.hub, desk.actor, ListWorkers())))


def said(found: WorkersListed) -> str:
    """The list for a terminal."""
    lines = [
        f"{one.worker_id:<24} {one.pool:<10} {one.status:<12} {one.active}/{one.capacity} turns"
        f"  mean {one.mean_latency_ms:.0f} ms  {one.memory_bytes >> 20} MiB"
        f"  heard {one.last_heartbeat:%Y-%m-%d %H:%M:%S}"
        for one in found.workers
    ] or ["No worker was heard of within a day. Mend: aiox up, or aiox run ai_worker"]
    queue = f"{found.demand.queued} turns wait, the oldest for {found.demand.oldest_wait_s:.1f} s"
    return "\n".join([*lines, f"{queue}; {found.wanted_workers} workers would do."])
