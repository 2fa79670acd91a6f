"""Where no hub runs, it says so; where one does, what was seen twice is drawn once."""

from __future__ import annotations

from collections.abc import AsyncIterator
from io import StringIO
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from rich.console import Console

from aiox.cli.stack.trouble import CannotGoOn
from aiox.cli.top.command import run_top
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Settings
from tests.stack import free_ports

SAID = """\
# TYPE aiox_queue_depth gauge
aiox_queue_depth 3
# TYPE aiox_python_worker_health gauge
aiox_python_worker_health{worker_id="worker-1",status="healthy"} 1
"""


@pytest.fixture
async def orchestrator() -> AsyncIterator[int]:
    """A port where something answers as a service does, and is not ready."""

    async def metrics(_: web.Request) -> web.Response:
        return web.Response(text=SAID)

    async def ready(_: web.Request) -> web.Response:
        return web.Response(text="NATS is away\n", status=503)

    application = web.Application()
    application.router.add_get("/metrics", metrics)
    application.router.add_get("/readyz", ready)
    async with TestServer(application) as server:
        assert server.port is not None
        yield server.port


async def test_without_a_hub_it_is_one_sentence_with_its_mend(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, ports=free_ports())
    with pytest.raises(CannotGoOn, match="aiox up"):
        await run_top(settings, SystemClock(), once=True, every_s=1)


async def test_what_answers_is_drawn(tmp_path: Path, orchestrator: int) -> None:
    ports = free_ports().model_copy(update={"orchestrator_health": orchestrator})
    console = Console(file=StringIO(), width=120)
    with console.capture() as captured:
        await run_top(Settings(home=tmp_path, ports=ports), SystemClock(), once=True, every_s=1, console=console)
    text = captured.get()
    assert "orchestrator is not ready: NATS is away" in text.splitlines()[0]
    assert "worker-1" in text
