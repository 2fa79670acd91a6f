"""Workers and the queue, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from aiox.commands.list_workers import WorkersListed
from gateway.schemas.common import Out
from policy.workers import Standing


class WorkerOut(Out):
    """A worker. `status` is the hub's judgement: healthy, degraded, draining or unavailable."""

    worker_id: str
    pool: str
    status: Standing
    active: int
    capacity: int
    mean_latency_ms: float
    memory_bytes: int
    last_heartbeat: datetime


class QueueOut(Out):
    """The scaling signal: turns that wait, the longest wait in seconds, places, and how many workers are wanted."""

    depth: int
    oldest_wait_s: float
    busy: int
    places: int
    wanted_workers: int


class WorkerList(Out):
    """The workers of the hub."""

    items: Sequence[WorkerOut]
    queue: QueueOut


def worker_list(found: WorkersListed) -> WorkerList:
    """The workers as JSON."""
    return WorkerList(
        items=[WorkerOut.model_validate(worker) for worker in found.workers],
        queue=QueueOut(
            depth=found.demand.queued,
            oldest_wait_s=found.demand.oldest_wait_s,
            busy=found.demand.busy,
            places=found.demand.places,
            wanted_workers=found.wanted_workers,
        ),
    )
