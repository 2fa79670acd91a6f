"""The hub's own services as processes: `aiox run <service>` each."""

from __future__ import annotations

import signal
import sys
from typing import Final

import aiohttp

from aiox.cli.stack.home import Home
from aiox.cli.stack.ports import ports_of
from aiox.cli.stack.processes import Process, Program
from aiox.runtime.settings import Ports, Service, Settings, environment

TITLES: Final[dict[Service, str]] = {
    "component": "component",
    "gateway": "gateway",
    "orchestrator": "orchestrator",
    "ai_worker": "AI worker",
}
STOP_BUDGET_S: Final = 10.0
"""After this time a service that was asked to stop is killed. What it does to stop must fit in."""
_SECRET_SETTINGS: Final[dict[str, Service | None]] = {
    "AIOX_MODEL__API_KEY": "orchestrator",
    "AIOX_MAIL__PASSWORD": "gateway",
    "AIOX_BACKUP__PASSPHRASE": None,
}
"""Settings that are secrets, each with the one service that inherits it; None: `aiox up` alone."""
_BUDGET: Final = aiohttp.ClientTimeout(total=2)


async def start(home: Home, settings: Settings, service: Service, instance: int = 1) -> Process:
    """Starts a service and waits until it says that it is ready. Raises CannotGoOn."""
    name = service if instance == 1 else f"{service}-{instance}"
    program = Program(
        name=name,
        title=TITLES[service] if instance == 1 else f"{TITLES[service]} {instance}",
        command=(sys.executable, "-m", "aiox.cli.main", "run", service, *_number(instance)),
        environment=_environment(home, settings, service),
        stop_signal=signal.SIGTERM,
        ready_budget_s=60,
        stop_budget_s=STOP_BUDGET_S,
    )
    process = await Process.start(program, home.log_file(name))
    port = health_port(ports_of(service, settings.ports, instance), service)
    try:
        async with aiohttp.ClientSession(timeout=_BUDGET) as session:

            async def ready() -> bool:
                return await _ready(session, port)

            await process.until_ready(ready)
    except BaseException:
        await process.stop()
        raise
    return process


def _environment(home: Home, settings: Settings, service: Service) -> dict[str, str]:
    withheld = [name for name, reader in _SECRET_SETTINGS.items() if reader != service]
    inherited = environment(home.root, without=withheld)
    return {**inherited, "AIOX_COMPONENTS": str(settings.components)}  # said on the command line, maybe


def _number(instance: int) -> tuple[str, ...]:
    return () if instance == 1 else ("--instance", str(instance))


def health_port(ports: Ports, service: Service) -> int:
    """Where a service answers /readyz."""
    return {
        "component": ports.component_health,
        "gateway": ports.gateway,
        "orchestrator": ports.orchestrator_health,
        "ai_worker": ports.ai_worker_health,
    }[service]


async def _ready(session: aiohttp.ClientSession, port: int) -> bool:
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False
