"""`aiox run <service>`: one service as a process."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, get_args

import uvloop

from aiox.cli.stack import schema
from aiox.cli.stack.alone import STORES, run_alone
from aiox.cli.stack.ports import ports_of
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime import heap
from aiox.runtime.clock import Clock, SystemClock
from aiox.runtime.logs import Log, configure_logs
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Service, Settings

Run = Callable[[Settings, Secrets, Log, Clock], Coroutine[Any, Any, None]]


def run_service(service: str, settings: Settings, instance: int = 1) -> None:
    """Runs a service, or one of the parts below them, until SIGTERM. Raises what ended it.

    Instance N listens 100 * (N - 1) above the service's own ports, so that several run on one machine.
    """
    if service in STORES:
        uvloop.run(run_alone(service, settings, configure_logs(service, settings.telemetry.log_level)))
        return
    name = _known(service)
    log = configure_logs(name, settings.telemetry.log_level)
    settings = settings.model_copy(update={"ports": ports_of(name, settings.ports, instance)})
    try:
        uvloop.run(_checked(name, settings, log))
    except Exception as error:
        log.exception("service_failed", error=repr(error))
        raise


async def _checked(service: Service, settings: Settings, log: Log) -> None:
    """No service runs on a database that is not what the revisions make."""
    secrets = Secrets.of(settings.home, service)
    await schema.check_as(settings, secrets, service)
    run = _room(service)
    heap.settle()
    await run(settings, secrets, log, SystemClock())


def _known(service: str) -> Service:
    for name in get_args(Service):
        if name == service.replace("-", "_"):
            known: Service = name
            return known
    raise CannotGoOn(f"there is no service {service!r}. Mend: choose one of {', '.join((*get_args(Service), *STORES))}")


def _room(service: Service) -> Run:
    """Imports only the room that runs."""
    match service:
        case "component":
            from component.service import run
        case "gateway":
            from gateway.service import run
        case "orchestrator":
            from orchestrator.service import run
        case "ai_worker":
            from ai_worker.service import run
    return run
