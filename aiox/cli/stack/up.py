"""`aiox up`: the story from an empty folder to a hub that answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType
from typing import Any, Final, TextIO

import structlog

from aiox.cli import operator_record
from aiox.cli.stack import ca, credentials, ejabberd, federation, lock, nats, ports, postgres, redis, services
from aiox.cli.stack.demo import show
from aiox.cli.stack.home import Home, prepare
from aiox.cli.stack.log_rotation import rotate_for_ever
from aiox.cli.stack.parts import HEAL_BUDGET_S, Parts, together
from aiox.cli.stack.renewal import renew_for_ever
from aiox.cli.stack.trouble import CannotGoOn
from aiox.kernel.canonical import Json
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.redaction import redact
from aiox.runtime.settings import Service, Settings
from aiox.runtime.supervisor import ServiceFailed, Supervisor

READY: Final = "The hub is ready."


@dataclass(frozen=True, slots=True)
class Counts:
    """How many processes of each service run side by side."""

    components: int = 1
    orchestrators: int = 1
    workers: int = 1

    def of(self) -> dict[Service, int]:
        """By the name of the service."""
        return {
            "orchestrator": self.orchestrators,
            "ai_worker": self.workers,
            "gateway": 1,
            "component": self.components,
        }


ONE_EACH: Final = Counts()


Beside = Callable[[Log], Coroutine[Any, Any, None]]
"""What goes on beside a hub that is ready, until it is stopped."""


async def up(
    settings: Settings,
    clock: Clock,
    *,
    once: bool,
    demo: bool,
    counts: Counts = ONE_EACH,
    beside: Mapping[str, Beside] = MappingProxyType({}),
) -> None:
    """Starts everything, shows it, and waits for Ctrl-C; with `once` stops by itself. Raises CannotGoOn."""
    settings = settings.model_copy(update={"components": counts.components})
    home = prepare(settings)
    with lock.held(home):
        print(f"AIOX hub at {home.root}", flush=True)
        make_ready(home, settings, clock, counts)
        with home.log_file("up").open("a") as log_file:
            log = _log_to(log_file)
            supervisor = Supervisor(log, HEAL_BUDGET_S)
            parts = Parts(supervisor)
            told = asyncio.Event()
            supervisor.start("story", _story(home, settings, clock, parts, told, counts, demo=demo))
            if once:
                supervisor.start("once", _stop_when(told, supervisor))
            supervisor.start("logs", rotate_for_ever(home.logs, log))
            supervisor.start("renewal", _after(told, renew_for_ever(home, settings, parts, clock, log)))
            if settings.federation.on or settings.public.certificate is not None:
                supervisor.start("peers", _after(told, ejabberd.follow_peers(home, settings, log)))
            for name, work in beside.items():
                supervisor.start(name, _after(told, work(log)))
            try:
                await supervisor.run_until_stopped()
                if once and not told.is_set():
                    raise CannotGoOn("stopped from outside before the hub had answered.")
            except ServiceFailed as failed:
                await _note(settings, clock, "failed", type(failed.__cause__ or failed).__name__)
                raise _plainly(failed.__cause__ or failed) from failed
            finally:
                await supervisor.stop()
                print("Stopping", flush=True)
                await _note(settings, clock, "stopped")
                await parts.stop()


def make_ready(home: Home, settings: Settings, clock: Clock, counts: Counts = ONE_EACH) -> None:
    """Secrets, certificates and free ports: what must be right before the first process starts. Raises CannotGoOn."""
    ports.check(settings.ports)
    for service, count in counts.of().items():
        for instance in range(2, count + 1):
            ports.check(ports.ports_of(service, settings.ports, instance))
    if said := federation.fitness(settings, ejabberd.libraries):
        print(said, flush=True)
    credentials.ensure(home)
    ca.ensure(home, settings.domain, clock.now())


async def start_all(home: Home, settings: Settings, parts: Parts, counts: Counts = ONE_EACH) -> None:
    """Stores, then schema, then XMPP server and services, side by side where they can."""
    port = settings.ports.postgres
    await together(
        parts.start(partial(postgres.start, home, port)),
        parts.start(partial(redis.start, home, settings.ports.redis)),
        parts.start(partial(nats.start, home, settings)),
    )
    await postgres.migrate(home, port)
    inner = {service: count for service, count in counts.of().items() if service != "component"}
    await together(
        _xmpp(home, settings, parts, counts.components),
        *(_instances(home, settings, parts, service, count) for service, count in inner.items()),
    )


async def _xmpp(home: Home, settings: Settings, parts: Parts, components: int) -> None:
    await parts.start(partial(ejabberd.start, home, settings))
    await _instances(home, settings, parts, "component", components)


async def _instances(home: Home, settings: Settings, parts: Parts, service: Service, count: int) -> None:
    numbers = range(1, count + 1)
    await together(*(parts.start(partial(services.start, home, settings, service, number)) for number in numbers))


async def _story(
    home: Home, settings: Settings, clock: Clock, parts: Parts, told: asyncio.Event, counts: Counts, *, demo: bool
) -> None:
    began = clock.monotonic()
    await start_all(home, settings, parts, counts)
    await _note(settings, clock, "started")
    print(f"All parts are ready after {clock.monotonic() - began:.1f} s", flush=True)
    if not settings.mail.host:
        print(f"No mail server is set (mail.host): letters are written to {home.root / 'mail'}.", flush=True)
    if demo:
        await show(home, settings, clock)
    print(f"{READY} Ctrl-C stops everything in order.", flush=True)
    told.set()
    await asyncio.Event().wait()


async def _note(settings: Settings, clock: Clock, outcome: str, error: str = "") -> None:
    """On record, where there is a database: a hub that cannot start has none, and says so itself."""
    details: dict[str, Json] = {"outcome": outcome, **({"error": error} if error else {})}
    if missing := await operator_record.note(settings, clock, "up", **details):
        print(missing, flush=True)


async def _after(told: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    try:
        await told.wait()
    except asyncio.CancelledError:
        work.close()  # never begun
        raise
    await work


async def _stop_when(told: asyncio.Event, supervisor: Supervisor) -> None:
    await told.wait()
    supervisor.request_stop()
    await asyncio.Event().wait()


def _plainly(error: BaseException) -> CannotGoOn:
    if isinstance(error, CannotGoOn):
        return error
    return CannotGoOn(f"{type(error).__name__}: {error}. Mend: see the logs folder under AIOX_HOME.")


def _log_to(file: TextIO) -> Log:
    log: Log = structlog.wrap_logger(
        structlog.PrintLogger(file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            redact,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return log
