"""The orchestrator process: wires its parts, starts them in stages, stops them in reverse."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final, TypeVar
from uuid import uuid4

from nats.aio.client import Client
from nats.aio.msg import Msg
from prometheus_client import REGISTRY

from aiox.commands.hub import Hub, ProviderDesk
from aiox.kernel.envelope import CancelAsked, Envelope, LiveWanted, MessageReceived, OutboxReady, WorkerBeat
from aiox.kernel.ids import OwnerId
from aiox.kernel.tools import known_tools
from aiox.runtime import health, nats, postgres, redis
from aiox.runtime.clock import Clock
from aiox.runtime.crash import crash_hook
from aiox.runtime.desk import ask as ask_desk
from aiox.runtime.fetching import fetcher_of
from aiox.runtime.keyring import LiveKeyRing
from aiox.runtime.logs import Log, describe
from aiox.runtime.objects.chosen import store_of
from aiox.runtime.postgres import Pool
from aiox.runtime.provider_check import check_provider
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings
from aiox.runtime.supervisor import Closing, Supervisor
from aiox.runtime.telemetry import Telemetry
from aiox.wire.codec import NotAnEvent, decode, encode
from orchestrator.approvals import sweep_for_ever as sweep_approvals
from orchestrator.backlog import Backlog
from orchestrator.cancelling import Cancels
from orchestrator.checkpoints import Checkpoints
from orchestrator.commits import Commits
from orchestrator.credentials import Credentials, Retests
from orchestrator.debounce import belong_together, may_restart
from orchestrator.delegation import ask_agent
from orchestrator.deliveries import Delivery, InHand
from orchestrator.erasures import Erasures
from orchestrator.figures import Figures
from orchestrator.hurry import is_cancel, stop_ahead
from orchestrator.indexer import Indexer
from orchestrator.intake import Intake
from orchestrator.known_agents import KnownAgents
from orchestrator.lanes import Group, Lanes
from orchestrator.live import Live
from orchestrator.long_answers import LongAnswers
from orchestrator.mcp_looks import McpLooks
from orchestrator.object_sweep import ObjectSweep
from orchestrator.partitions import LEASE_S, Partitions
from orchestrator.ports import ChatFiles, Ports
from orchestrator.pressure import Fill, Pressure
from orchestrator.purge import Forget, Purge
from orchestrator.quota_keeper import PATIENCE_S, PATIENCE_WITH_SENTINELS_S, QuotaKeeper
from orchestrator.quota_notices import tell_for_ever as tell_of_quotas
from orchestrator.reindexer import Reindexer
from orchestrator.retention import sweep_for_ever
from orchestrator.retractions import Retractions
from orchestrator.scaling import Scaling
from orchestrator.summaries import Summaries
from orchestrator.tool_metrics import ToolMetrics
from orchestrator.turn_metrics import TurnMetrics
from orchestrator.turns import handle
from orchestrator.versions import Versions
from orchestrator.watchdog import MARGIN_S, Watchdog
from orchestrator.workers.link import WorkerLink, open_channel
from orchestrator.workers.pool import WorkerPool
from registry import asked, leases, ledger, reactions, short_term
from registry.erasures import clear_short_term
from registry.quota_books import read_books
from registry.quota_memory import QuotaMemory
from registry.quotas import Quotas
from registry.tenants import load_ring
from registry.turns import conclude
from registry.workers import record_beat

POOL_SIZE = 8
OPEN_TURNS = 1024
_GIVE_BACK_S: Final = 1.0
STOP: Final = {"turns": 4.0, "tasks": 2.0, "bus": 1.0, "memory": 0.5, "pool": 1.0}
"""How long each step of a stop may take, in seconds."""

Answers = Callable[[], Awaitable[bool]]
Heard = TypeVar("Heard")


async def run(settings: Settings, secrets: Secrets, log: Log, clock: Clock) -> None:
    """Runs until SIGTERM. Raises ServiceFailed when one of its parts ended by itself."""
    supervisor, closing = Supervisor(log, STOP["tasks"]), Closing(STOP, log)
    telemetry, in_hand, summaries = Telemetry.of("orchestrator", settings), InHand(log), Summaries(log)
    pool = await postgres.connect(settings, secrets, "orchestrator", POOL_SIZE)
    memory = redis.connect(settings, secrets, "orchestrator")
    bus = await nats.connect(settings, secrets, "orchestrator", log, reconnects := nats.Reconnects())
    await nats.ensure_inbound(bus.jetstream(), settings)
    keys = LiveKeyRing.of(secrets)
    workers = _worker_pool(settings, secrets, log, clock, supervisor, pool)
    commits, live = Commits(partial(conclude, pool)), Live(bus.publish, clock, log)
    quotas = Quotas(memory, holder := f"orchestrator-{uuid4().hex[:8]}")
    ports = Ports(
        pool=pool,
        quotas=quotas,
        counters=_counters(settings, memory, quotas, pool, clock, log),
        versions=Versions(pool, keys),
        credentials=Credentials(pool, partial(load_ring, pool, keys), settings.model, settings.providers),
        workers=workers,
        agents=(agents := KnownAgents()),
        backlog=Backlog(agents, workers.places),
        commits=commits,
        announce=partial(_announce, bus),
        live=live,
        telemetry=telemetry,
        clock=clock,
        settings=settings,
        log=log,
        crash=crash_hook(settings.crash),
        cancels=Cancels(partial(asked.is_cancelled, pool)),
        files=_files(settings, secrets),
        hub=_hub(pool, keys, clock, settings),
        tool_metrics=ToolMetrics(REGISTRY, settings.telemetry.series),
        turn_metrics=TurnMetrics(REGISTRY, settings.telemetry.series),
        concluded=summaries.note,
        resubmit=partial(nats.put_inbound, bus),
        desk=partial(ask_desk, bus, clock, "orchestrator"),
        ask_agent=ask_agent,
        start_afresh=partial(short_term.forget, memory),
    )
    lanes = _lanes(supervisor, ports, in_hand)
    intake = Intake(bus, reconnects, in_hand, partial(_put, ports, lanes, supervisor), log)
    turn_s = settings.limits.turn_timeout_ms / 1000 + MARGIN_S
    partitions = Partitions(pool, holder, intake.drain, in_hand, supervisor, log, turn_s)
    await _listen(bus, ports, log)
    probes = health.health_app(_ready(bus, workers, partitions, partial(redis.answers, memory)))
    supervisor.start("health", health.serve(probes, settings.ports.orchestrator_health, settings.hosts.listen))
    _look_after_turns(supervisor, ports, lanes, in_hand, summaries, turn_s)
    _keep_house(supervisor, ports, keys, memory, 2 * turn_s)
    _start_parts(supervisor, ports, partitions, *_signals(ports, secrets, lanes, bus, holder))
    log.info("started")
    try:
        await supervisor.run_until_stopped()
    finally:
        await closing.step("turns", partial(partitions.close, STOP["turns"] - _GIVE_BACK_S))
        await supervisor.stop()
        await closing.step("bus", bus.close)
        await closing.step("memory", memory.aclose)
        await closing.step("pool", pool.close)
        telemetry.close()


def _look_after_turns(
    supervisor: Supervisor, ports: Ports, lanes: Lanes[Delivery], in_hand: InHand, summaries: Summaries, turn_s: float
) -> None:
    watchdog = Watchdog(lanes, partial(ledger.append, ports.pool), ports.clock, ports.log, turn_s)
    supervisor.start("in hand", in_hand.signal_for_ever())
    supervisor.start("watchdog", watchdog.run())
    supervisor.start("summaries", summaries.run(ports))


def _start_parts(
    supervisor: Supervisor, ports: Ports, partitions: Partitions, *signals: Checkpoints | Figures | Pressure | Scaling
) -> None:
    for part in (ports.commits, ports.live, ports.counters, *signals, partitions):
        supervisor.start(type(part).__name__, part.run())


def _signals(
    ports: Ports, secrets: Secrets, lanes: Lanes[Delivery], bus: Client, holder: str
) -> tuple[Scaling, Figures, Pressure, Checkpoints]:
    """What this process says of itself and of the hub, again and again."""
    pool, settings, clock, log = ports.pool, ports.settings, ports.clock, ports.log
    return (
        Scaling(ports.workers, ports.backlog, pool, holder, clock, log, lanes.restartable),
        Figures(pool, REGISTRY, settings.telemetry.series, clock, log),
        Pressure(partial(_fill, lanes, ports.workers), bus.publish, holder, clock, log),
        _checkpoints(settings, secrets, pool, clock, log),
    )


def _files(settings: Settings, secrets: Secrets) -> ChatFiles:
    long_answers = LongAnswers.of(settings, bytes.fromhex(secrets.read("file_links")))
    return ChatFiles(fetcher_of(settings, str(secrets.path("ca.crt"))).fetch, long_answers.link, long_answers.url)


def _hub(pool: Pool, keys: LiveKeyRing, clock: Clock, settings: Settings) -> Hub:
    tools = known_tools(settings.tools.test_folder)
    return Hub(
        pool,
        keys,
        clock,
        settings.domain,
        providers=ProviderDesk.of(settings),
        tools=tools,
        objects=store_of(settings),
        upload_bytes=settings.limits.upload_bytes,
    )


def _counters(
    settings: Settings, memory: redis.Client, quotas: Quotas, pool: Pool, clock: Clock, log: Log
) -> QuotaKeeper:
    living, books = partial(leases.living, pool, LEASE_S), partial(read_books, pool, clock)
    patience_s = PATIENCE_WITH_SENTINELS_S if settings.hosts.sentinels else PATIENCE_S
    return QuotaKeeper(QuotaMemory(memory, quotas, living, books, clock).check, log, patience_s)


def _checkpoints(settings: Settings, secrets: Secrets, pool: Pool, clock: Clock, log: Log) -> Checkpoints:
    read_keys = partial(secrets.read, "ledger_keys")  # read again each time: keys change while it runs
    return Checkpoints(pool, f"{settings.domain}/ledger", read_keys, clock, log, settings.ledger.checkpoint_s)


def _keep_house(supervisor: Supervisor, ports: Ports, keys: LiveKeyRing, memory: redis.Client, settle_s: float) -> None:
    """What has its time beside the turns: documents to embed, ends of people and agents, old rows to delete."""
    pool, clock, log = ports.pool, ports.clock, ports.log
    append, clear = partial(ledger.append, pool), partial(clear_short_term, memory)
    ring_of = partial(load_ring, pool, keys)
    objects = store_of(ports.settings)
    supervisor.start("indexer", Indexer(pool, ring_of, ports.workers, objects, clock, log).run())
    supervisor.start("mcp looks", McpLooks(ports.hub, ring_of, ports.workers, log).run())
    model = ports.settings.memory.embedding_model
    supervisor.start("reindexer", Reindexer(pool, ports.workers, model, clock, log).run())
    supervisor.start("object sweep", ObjectSweep(pool, objects, log).run())
    supervisor.start("credential tests", Retests(pool, ring_of, check_provider, clock, log).run())
    supervisor.start("erasures", Erasures(pool, clear, ports.versions, append, clock, log, settle_s).run())
    forget = partial(short_term.forget, memory)
    supervisor.start("purge", _purge(ports.settings, pool, forget, clock, log).run())
    supervisor.start("retractions", Retractions(pool, partial(reactions.forget, memory), clock, log).run())
    supervisor.start("approvals", sweep_approvals(ports.hub, ports.resubmit, log))
    supervisor.start("quota notices", tell_of_quotas(ports.hub, log))
    supervisor.start("retention", sweep_for_ever(pool, clock, log))


def _lanes(supervisor: Supervisor, ports: Ports, in_hand: InHand) -> Lanes[Delivery]:
    window_s = ports.settings.limits.debounce_ms / 1000

    def together(deliveries: Sequence[Delivery], another: Delivery) -> bool:
        return window_s > 0 and belong_together([delivery.turn for delivery in deliveries], another.turn)

    def restartable(group: Group[Delivery]) -> bool:
        return may_restart(group.since, asyncio.get_running_loop().time(), window_s, group.sealed)

    async def handle_in_hand(group: Group[Delivery]) -> None:
        try:
            if in_hand.may_begin(group.items[0].turn):
                await handle(ports, group)
        except Exception as bug:  # noqa: BLE001 -- a bug in the boundary itself: said, and left to redelivery
            ports.log.error("turn_left_to_redelivery", error=describe(bug))
        for delivery in group.items:
            in_hand.let_go(delivery)

    return Lanes(supervisor, handle_in_hand, OPEN_TURNS, together, restartable)


def _fill(lanes: Lanes[Delivery], workers: WorkerPool) -> Fill:
    return Fill(lanes.open, lanes.ended, workers.demand().places)


async def _announce(bus: Client, event: Envelope[OutboxReady]) -> None:
    await bus.publish(nats.OUTBOX_READY, encode(event))


async def _put(ports: Ports, lanes: Lanes[Delivery], supervisor: Supervisor, delivery: Delivery) -> None:
    message = delivery.turn.message
    lane = message.sender, message.agent_id
    if is_cancel(delivery.turn) and (ahead := [item.turn for item in lanes.ahead(lane)]):
        supervisor.run_once("cancel", stop_ahead(ports, delivery.turn, ahead))
    await lanes.put(lane, delivery)


def _purge(settings: Settings, pool: Pool, forget: Forget, clock: Clock, log: Log) -> Purge:
    settle_s = 2 * settings.limits.turn_timeout_ms / 1000
    return Purge(pool, forget, settings.limits.deleted_agent_days, settle_s, clock, log)


def _ready(bus: Client, workers: WorkerPool, partitions: Partitions, counters: Answers) -> health.Ready:
    async def ready() -> str:
        if not bus.is_connected:
            return "NATS is away"
        if not workers.healthy():
            return "no worker"
        return partitions.missing() or ("" if await counters() else "Redis is away")

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


async def _listen(bus: Client, ports: Ports, log: Log) -> None:
    await _hear(bus, nats.WORKER_BEAT, WorkerBeat, lambda beat, _: ports.workers.heard(beat), log)
    await _hear(bus, nats.CANCEL, CancelAsked, ports.cancels.heard, log)
    await _hear(bus, nats.LIVE_WANTED, LiveWanted, lambda wanted, _: ports.live.heard(wanted), log)
    await _hear(bus, nats.ANSWERED, MessageReceived, lambda answer, _: ports.far.heard(answer), log)


async def _hear(
    bus: Client, subject: str, kind: type[Heard], take: Callable[[Heard, OwnerId | None], None], log: Log
) -> None:
    """Hands on what is said there, with its tenant; what is no event, or of another kind, is not for us."""

    async def heard(message: Msg) -> None:
        try:
            event = decode(message.data)
        except NotAnEvent as wrong:
            log.warning("not_an_event", subject=subject, error=str(wrong))
            return
        if isinstance(event.payload, kind):
            take(event.payload, event.tenant)

    await bus.subscribe(subject, cb=heard)
