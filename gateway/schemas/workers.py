"""Workers and the queue, as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

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
