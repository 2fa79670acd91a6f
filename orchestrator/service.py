"""The orchestrator process: wires its parts, starts them in stages, stops them in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from functools import partial
from uuid import uuid4

from nats.aio.client import Client
from nats.aio.msg import Msg

from aiox.kernel.envelope import Envelope, OutboxReady, WorkerBeat
from aiox.runtime import health, nats, postgres, redis
from aiox.runtime.clock import Clock
from aiox.runtime.crash import crash_hook
from aiox.runtime.keyring import KeyRing
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.runtime.supervisor import Supervisor
from aiox.runtime.telemetry import Telemetry
from aiox.wire.codec import NotAnEvent, decode, encode
from orchestrator.commits import Commits
from orchestrator.debounce import belong_together, may_restart
from orchestrator.indexer import Indexer
from orchestrator.intake import Delivery, drain_partition
from orchestrator.lanes import Group, Lanes
from orchestrator.partitions import Partitions
from orchestrator.ports import Ports
from orchestrator.retention import sweep_for_ever
from orchestrator.turns import handle
from orchestrator.versions import Versions
from orchestrator.workers.link import WorkerLink, open_channel
from orchestrator.workers.pool import WorkerPool
from policy.scoring import Weights
from registry.quotas import Quotas
from registry.tenants import load_ring
from registry.turns import conclude
from registry.workers import record_beat

POOL_SIZE = 8
OPEN_TURNS = 1024


async def run(settings: Settings, secrets: Secrets, log: Log, clock: Clock) -> None:
    """Runs until SIGTERM. Raises ServiceFailed when one of its parts ended by itself."""
    supervisor = Supervisor(log)
    telemetry = Telemetry("orchestrator", settings.home)
    pool = await postgres.connect(settings, secrets, "orchestrator", POOL_SIZE)
    memory = redis.connect(settings, secrets, "orchestrator")
    bus = await nats.connect(settings, secrets, "orchestrator", log)
    await nats.ensure_inbound(bus.jetstream(), settings)

    keys = KeyRing.parse(secrets.read("keyring"))
    workers = _worker_pool(settings, secrets, log, clock, supervisor, pool)
    commits = Commits(partial(conclude, pool))
    ports = Ports(
        pool=pool,
        quotas=Quotas(memory),
        versions=Versions(pool, keys),
        workers=workers,
        commits=commits,
        announce=partial(_announce, bus),
        telemetry=telemetry,
        clock=clock,
        settings=settings,
        log=log,
        weights=Weights(),
        known_tools=frozenset(),
        crash=crash_hook(settings.crash),
        quarantine=asyncio.Lock(),
    )
    lanes = _lanes(supervisor, ports)
    drain = partial(drain_partition, bus, partial(_put, lanes), log)
    partitions = Partitions(pool, f"orchestrator-{uuid4().hex[:8]}", drain, supervisor, log)

    await _listen_for_beats(bus, workers, log)
    probes = health.health_app(_ready(bus, workers, partitions))
    supervisor.start("health", health.serve(probes, settings.ports.orchestrator_health))
    supervisor.start("commits", commits.run())
    supervisor.start("indexer", Indexer(pool, partial(load_ring, pool, keys), workers, log).run())
    supervisor.start("retention", sweep_for_ever(pool, log))
    supervisor.start("partitions", partitions.run())
    log.info("started")
    try:
        await supervisor.run_until_stopped()
    finally:
        await supervisor.stop()
        await bus.close()
        await memory.aclose()
        await pool.close()
        telemetry.close()
        log.info("stopped")


def _lanes(supervisor: Supervisor, ports: Ports) -> Lanes[Delivery]:
    window_s = ports.settings.limits.debounce_ms / 1000

    def together(deliveries: Sequence[Delivery], another: Delivery) -> bool:
        return window_s > 0 and belong_together([delivery.turn for delivery in deliveries], another.turn)

    def restartable(group: Group[Delivery]) -> bool:
        return may_restart(group.since, asyncio.get_running_loop().time(), window_s, group.sealed)

    return Lanes(supervisor, partial(handle, ports), OPEN_TURNS, together, restartable)


async def _announce(bus: Client, event: Envelope[OutboxReady]) -> None:
    await bus.publish(nats.OUTBOX_READY, encode(event))


async def _put(lanes: Lanes[Delivery], delivery: Delivery) -> None:
    message = delivery.turn.message
    await lanes.put((message.sender, message.agent_id), delivery)


def _ready(bus: Client, workers: WorkerPool, partitions: Partitions) -> health.Ready:
    async def ready() -> str:
        if not bus.is_connected:
            return "no bus"
        if not workers.healthy():
            return "no worker"
        return "" if partitions.count else "no partitions yet"

    return ready


def _worker_pool(
    settings: Settings, secrets: Secrets, log: Log, clock: Clock, supervisor: Supervisor, pool: Pool
) -> WorkerPool:
    key = bytes.fromhex(secrets.read("worker_link"))

    def connect(beat: WorkerBeat) -> WorkerLink:
        channel = open_channel(f"{beat.host}:{beat.port}", secrets)
        return WorkerLink(beat.worker_id, channel, key, clock, log, supervisor.run_once)

    async def remember(beat: WorkerBeat, status: str) -> None:
        await record_beat(pool, beat, status, clock)

    return WorkerPool(supervisor, connect, remember, clock, log)


async def _listen_for_beats(bus: Client, workers: WorkerPool, log: Log) -> None:
    async def heard(message: Msg) -> None:
        try:
            payload = decode(message.data).payload
        except NotAnEvent as wrong:
            log.warning("not_a_beat", error=str(wrong))
            return
        if isinstance(payload, WorkerBeat):
            workers.heard(payload)

    await bus.subscribe(nats.WORKER_BEAT, cb=heard)
