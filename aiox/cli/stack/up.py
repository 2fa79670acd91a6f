"""`aiox up`: the story from an empty folder to a hub that answers."""

from __future__ import annotations

import asyncio
from typing import Final, TextIO

import structlog

from aiox.cli.stack import ca, credentials, ejabberd, lock, nats, ports, postgres, redis, services
from aiox.cli.stack.demo import show
from aiox.cli.stack.home import Home, prepare
from aiox.cli.stack.parts import Parts, together
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log
from aiox.runtime.settings import Settings
from aiox.runtime.supervisor import ServiceFailed, Supervisor

READY: Final = "The hub is ready."


async def up(settings: Settings, clock: Clock, *, once: bool, demo: bool) -> None:
    """Starts everything, shows it, and waits for Ctrl-C; with `once` stops by itself. Raises CannotGoOn."""
    home = prepare(settings)
    with lock.held(home):
        print(f"AIOX hub at {home.root}", flush=True)
        make_ready(home, settings, clock)
        with home.log_file("up").open("a") as log_file:
            supervisor = Supervisor(_log_to(log_file))
            parts = Parts(supervisor)
            told = asyncio.Event()
            supervisor.start("story", _story(home, settings, clock, parts, told, demo=demo))
            if once:
                supervisor.start("once", _stop_when(told, supervisor))
            try:
                await supervisor.run_until_stopped()
                if once and not told.is_set():
                    raise CannotGoOn("stopped from outside before the hub had answered.")
            except ServiceFailed as failed:
                raise _plainly(failed.__cause__ or failed) from failed
            finally:
                await supervisor.stop()
                print("Stopping", flush=True)
                await parts.stop()


def make_ready(home: Home, settings: Settings, clock: Clock) -> None:
    """Secrets, certificates and free ports: what must be right before the first process starts. Raises CannotGoOn."""
    ports.check(settings.ports)
    credentials.ensure(home)
    ca.ensure(home, settings.domain, clock.now())


async def start_all(home: Home, settings: Settings, parts: Parts) -> None:
    """Stores, then schema, then XMPP server and services, side by side where they can."""
    await together(
        parts.start(postgres.start(home, settings.ports.postgres)),
        parts.start(redis.start(home, settings.ports.redis)),
        parts.start(nats.start(home, settings)),
    )
    await postgres.migrate(home, settings.ports.postgres)
    await together(
        _xmpp(home, settings, parts),
        *(parts.start(services.start(home, settings, name)) for name in ("orchestrator", "ai_worker", "gateway")),
    )


async def _xmpp(home: Home, settings: Settings, parts: Parts) -> None:
    await parts.start(ejabberd.start(home, settings))
    await parts.start(services.start(home, settings, "component"))


async def _story(
    home: Home, settings: Settings, clock: Clock, parts: Parts, told: asyncio.Event, *, demo: bool
) -> None:
    began = clock.monotonic()
    await start_all(home, settings, parts)
    print(f"All parts are ready after {clock.monotonic() - began:.1f} s", flush=True)
    if demo:
        await show(home, settings, clock)
    print(f"{READY} Ctrl-C stops everything in order.", flush=True)
    told.set()
    await asyncio.Event().wait()


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
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(20),
    )
    return log
