"""The worker as a process: a gRPC server with mutual TLS on loopback, beats on the bus, health over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, contextmanager
from functools import partial
from itertools import count
from typing import Any, Final

import grpc
from nats.aio.client import Client
from prometheus_client import REGISTRY

from ai_worker.beat import Heart, name_of, own_address
from ai_worker.indexing import Reading, SandboxedIfThereIsOne, index
from ai_worker.link import Guard, Guarded, LinkRefused
from ai_worker.looking import look
from ai_worker.memory.cached import Cached
from ai_worker.memory.embedders import embedder_of
from ai_worker.memory.openings import Openings
from ai_worker.memory.recall import Recall
from ai_worker.memory.store import Store
from ai_worker.model.choose import Models, needs_litellm
from ai_worker.model.litellm_model import warm
from ai_worker.model.metrics import ModelMetrics
from ai_worker.model.openai_stream import open_session
from ai_worker.model.terms import Terms
from ai_worker.parsing.process import ProcessParser
from ai_worker.running import Running
from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.cgroup import Groups, find_groups
from ai_worker.sandbox.parser import SandboxParser
from ai_worker.session import Office, Session, done_in
from ai_worker.tools.mcp.servers import Strangers
from ai_worker.tools.port import Means
from ai_worker.tools.registry import tools_of
from ai_worker.turn import Mind
from aiox.runtime import nats, postgres
from aiox.runtime.clock import Clock
from aiox.runtime.crash import crash_hook
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress
from aiox.runtime.health import health_app, serve
from aiox.runtime.logs import Log
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import LOOPBACK, Settings
from aiox.runtime.supervisor import Closing, Supervisor
from aiox.runtime.telemetry import Telemetry
from aiox.runtime.tokens import TurnClaims
from aiox.wire.v1 import worker_pb2 as pb
from aiox.wire.v1.worker_pb2_grpc import AgentWorkerServicer, add_AgentWorkerServicer_to_server

STOP: Final = {"turns": 4.0, "server": 1.5, "session": 0.5, "tasks": 1.5, "bus": 1.0, "pool": 0.5}
"""How long each step of a stop may take, in seconds."""
DRAIN_S: Final = STOP["turns"] - 0.5
"""How long running turns may go on once the process is asked to stop."""
MAX_MESSAGE_BYTES: Final = 64 << 20
"""Above the largest file that may be uploaded (limits.upload_bytes)."""

Context = Any
"""grpc.aio.ServicerContext: the generated stubs and grpc's own types disagree on its name."""


class WorkerLink(AgentWorkerServicer):
    """Translates between gRPC and the rooms behind it. Whatever the guard refuses ends in UNAUTHENTICATED."""

    def __init__(self, office: Office, reading: Reading, heart: Heart, supervisor: Supervisor, log: Log) -> None:
        self._office = office
        self._reading = reading
        self._heart = heart
        self._supervisor = supervisor
        self._log = log
        self._numbers = count(1)
        self._sessions: set[Session] = set()

    async def ProcessMessage(self, request: pb.TurnAsked, context: Context) -> pb.TurnDone:  # noqa: N802
        """One turn, answered whole."""
        claims = await self._admit(request, context)
        with self._session() as session:
            session.begin(request, claims)
            async for message in session.messages():
                if (done := done_in(message, claims.request)) is not None:
                    return done
        raise RuntimeError("a turn ended without TurnDone")

    async def StreamResponse(self, request_iterator: AsyncIterator[pb.FromHub], context: Context) -> None:  # type: ignore[override] # noqa: N802
        """Many turns on one stream, until the hub ends it or sends what the guard refuses."""
        await self._admit_peer(context)
        refused: list[LinkRefused] = []
        with self._session() as session:
            reader = self._supervisor.run_once("link reader", self._read(request_iterator, session, refused))
            try:
                async for message in session.messages():
                    await context.write(message)
            finally:
                reader.cancel()
        if refused:
            await self._refuse(refused[0], context)

    async def HealthCheck(self, request: pb.HealthAsked, context: Context) -> pb.HealthReport:  # noqa: N802
        """How this worker is."""
        claims = await self._admit(request, context)
        beat = self._heart.beat()
        return pb.HealthReport(
            worker_id=beat.worker_id,
            owner_user_id=str(claims.owner),
            status=beat.status,
            active_requests=beat.active_requests,
            capacity=beat.capacity,
            mean_latency_ms=beat.mean_latency_ms,
            memory_bytes=beat.memory_bytes,
        )

    async def IndexDocument(self, request: pb.DocumentGiven, context: Context) -> None:  # type: ignore[override] # noqa: N802
        """Takes a document into the agent's memory, and says how far it is."""
        claims = await self._admit(request, context)
        async for said in index(request, claims, self._reading):
            await context.write(said)

    async def LookAtMcp(self, request: pb.McpLookAsked, context: Context) -> pb.McpLooked:  # noqa: N802
        """What an MCP server of an agent offers."""
        claims = await self._admit(request, context)
        return await look(request, claims, self._office.strangers)

    def end(self) -> None:
        """Ends all links once what waits is sent."""
        for session in self._sessions:
            session.end()

    @contextmanager
    def _session(self) -> Iterator[Session]:
        session = Session(next(self._numbers), self._office)
        self._sessions.add(session)
        try:
            yield session
        finally:
            self._sessions.discard(session)
            session.close()

    async def _read(self, messages: AsyncIterator[pb.FromHub], session: Session, refused: list[LinkRefused]) -> None:
        try:
            async for message in messages:
                session.take(message)
            await session.settled()
        except LinkRefused as defect:
            refused.append(defect)
        finally:
            session.end()

    async def _admit(self, request: Guarded, context: Context) -> TurnClaims:
        await self._admit_peer(context)
        try:
            return self._office.guard.message(request)
        except LinkRefused as defect:
            await self._refuse(defect, context)
            raise

    async def _admit_peer(self, context: Context) -> None:
        try:
            self._office.guard.peer(context.auth_context())
        except LinkRefused as defect:
            await self._refuse(defect, context)

    async def _refuse(self, defect: LinkRefused, context: Context) -> None:
        self._log.warning("link_refused", defect=str(defect))
        await context.abort(grpc.StatusCode.UNAUTHENTICATED, str(defect))


def link_server(link: WorkerLink, secrets: Secrets, port: int, host: str = LOOPBACK) -> tuple[grpc.aio.Server, int]:
    """A server that asks every client for a certificate of the hub's CA; port 0 picks a free one.

    Raises OSError when the port is taken, SecretMissing when a certificate is missing.
    """
    credentials = grpc.ssl_server_credentials(
        [(secrets.read_bytes("tls.key"), secrets.read_bytes("tls.crt"))],
        root_certificates=secrets.read_bytes("ca.crt"),
        require_client_auth=True,
    )
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0), ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)])
    add_AgentWorkerServicer_to_server(link, server)
    try:
        bound = server.add_secure_port(f"{host}:{port}", credentials)
    except RuntimeError as taken:
        raise OSError(f"port {port} on {host} is taken") from taken
    return server, bound


async def run(settings: Settings, secrets: Secrets, log: Log, clock: Clock) -> None:
    """Runs the worker until SIGTERM. Raises what kept it from starting, or ServiceFailed when a part of it died."""
    supervisor, closing = Supervisor(log, STOP["tasks"]), Closing(STOP, log)
    host = own_address(settings.hosts.worker)
    worker_id = name_of(host, settings.ports.ai_worker)
    async with AsyncExitStack() as opened:
        telemetry = Telemetry.of("ai_worker", settings)
        opened.callback(telemetry.close)
        pool = await postgres.connect(settings, secrets, "ai_worker")
        opened.push_async_callback(closing.step, "pool", pool.close)
        bus = await nats.connect(settings, secrets, "ai_worker", log)
        opened.push_async_callback(closing.step, "bus", bus.close)
        opened.push_async_callback(supervisor.stop)
        batched = embedder_of(settings.memory, settings.minilm_folder, log)
        supervisor.start("embedder", batched.run())
        embedder = Cached(batched, clock)
        running = Running(supervisor, settings.limits.worker_capacity)
        recall = Recall(pool, embedder, settings.memory.recall_limit, settings.memory.farthest)
        store = Store(pool, embedder, clock)
        session = open_session()
        opened.push_async_callback(closing.step, "session", session.close)
        terms, metrics = Terms(settings.providers.terms), ModelMetrics(REGISTRY)
        models = Models(session, clock, terms=terms, metrics=metrics, part=telemetry.part).choose
        reach = Reach(frozenset(settings.tools.internal))
        means = Means(
            Bubblewrap(clock, settings.tools.sandboxes, _groups(clock)),
            Egress(reach),
            reach,
            settings.tools.sqlite_folder,
        )
        tools, crash = tools_of(settings.tools.test_folder, means), crash_hook(settings.crash)
        strangers = Strangers(means, supervisor.run_once, settings.tools.mcp_code)
        openings = Openings(pool)
        mind = Mind(recall, store, models, telemetry, clock, log, worker_id, tools, crash, strangers.of_turn, openings)
        guard = Guard(bytes.fromhex(secrets.read("worker_link")), worker_id, clock)
        office = Office(mind, guard, running, settings.model.timeout_ms / 1000, strangers)
        heart = Heart(worker_id, settings.ports.ai_worker, running, clock, host)
        parser = SandboxedIfThereIsOne(SandboxParser(means.sandbox), ProcessParser(), log)
        link = WorkerLink(office, Reading(store, parser, log), heart, supervisor, log)
        server, _ = link_server(link, secrets, settings.ports.ai_worker, settings.hosts.listen)
        await server.start()
        opened.push_async_callback(closing.step, "server", partial(server.stop, 1.0))
        probes = health_app(_readiness(pool, bus))
        supervisor.start("health", serve(probes, settings.ports.ai_worker_health, settings.hosts.listen))
        supervisor.start("beats", heart.run(bus, lambda error: log.warning("beat_failed", error=repr(error))))
        if needs_litellm(settings.model.provider, settings.model.api_base):
            supervisor.run_once("litellm import", warm())
        log.info("worker_ready", worker_id=worker_id, port=settings.ports.ai_worker)
        try:
            await supervisor.run_until_stopped()
        finally:
            await closing.step("turns", partial(_drain, running, heart, bus, log))
            link.end()


def _groups(clock: Clock) -> Groups | None:
    """Control groups for runs in the sandbox, where they can be made."""
    groups = find_groups()
    if groups is not None:
        groups.sweep(clock.now().timestamp())
    return groups


def _readiness(pool: postgres.Pool, bus: Client) -> Any:
    async def ready() -> str:
        if not bus.is_connected:
            return "NATS is away"
        try:
            await pool.fetchval("SELECT 1", timeout=2)
        except Exception as away:  # noqa: BLE001 -- the answer is the report
            return f"PostgreSQL is away: {type(away).__name__}"
        return ""

    return ready


async def _drain(running: Running, heart: Heart, bus: Client, log: Log) -> None:
    """Tells the hub at once that nothing more is taken, then lets what runs come to its end."""
    running.draining = True
    if bus.is_connected:
        await heart.say(bus)
    if not await running.drain(DRAIN_S):
        log.warning("turns_given_up_at_stop")
