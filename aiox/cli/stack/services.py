"""The hub's own services as processes: `aiox run <service>` each."""

from __future__ import annotations

import signal
import sys
from typing import Final

import aiohttp

from aiox.cli.stack.home import Home
from aiox.cli.stack.processes import Process, Program
from aiox.runtime.settings import Settings, environment

TITLES: Final = {
    "component": "component",
    "gateway": "gateway",
    "orchestrator": "orchestrator",
    "ai_worker": "AI worker",
}
_MODEL_KEY: Final = "AIOX_MODEL__API_KEY"
_BUDGET: Final = aiohttp.ClientTimeout(total=2)


async def start(home: Home, settings: Settings, service: str) -> Process:
    """Starts a service and waits until it says that it is ready."""
    program = Program(
        name=service,
        title=TITLES[service],
        command=(sys.executable, "-m", "aiox.cli.main", "run", service),
        environment=environment(home.root, without=() if service == "orchestrator" else (_MODEL_KEY,)),
        stop_signal=signal.SIGTERM,
        ready_budget_s=60,
        stop_budget_s=10,
    )
    process = await Process.start(program, home.log_file(service))
    port = health_port(settings, service)
    try:
        async with aiohttp.ClientSession(timeout=_BUDGET) as session:

            async def ready() -> bool:
                return await _ready(session, port)

            await process.until_ready(ready)
    except BaseException:
        await process.stop()
        raise
    return process


def health_port(settings: Settings, service: str) -> int:
    """Where a service answers /readyz."""
    ports = settings.ports
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
