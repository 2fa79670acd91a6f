"""The gateway as a process: starts, serves, stops at SIGTERM; refuses to start without its secrets."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process

import httpx
import pytest

from aiox.runtime.settings import Ports, environment
from tests.ports import free_port
from tests.stack import Place

RUN = """
import asyncio
from aiox.runtime.clock import SystemClock
from aiox.runtime.logs import configure_logs
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import load_settings
from gateway.service import run
settings = load_settings()
asyncio.run(run(settings, Secrets.of(settings.home, "gateway"), configure_logs("gateway", "INFO"), SystemClock()))
"""


async def start(place: Place, port: int) -> Process:
    ports: Ports = place.settings.ports.model_copy(update={"gateway": port})
    values = {f"AIOX_PORTS__{name.upper()}": str(value) for name, value in ports.model_dump().items()}
    surroundings = {**environment(place.home.root), **values}
    return await asyncio.create_subprocess_exec(sys.executable, "-c", RUN, env=surroundings, stdout=PIPE, stderr=PIPE)


async def answer_of(path: str, port: int, process: Process) -> httpx.Response:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client, asyncio.timeout(60):
        while True:
            assert process.returncode is None, "the gateway ended"
            try:
                return await client.get(path)
            except httpx.ConnectError:
                await asyncio.sleep(0.05)


async def test_serves_and_stops_in_order(postgres: Place, redis: Place, nats: Place) -> None:
    port = free_port()
    process = await start(postgres, port)
    try:
        assert (await answer_of("/readyz", port, process)).text == "ready\n"
        assert (await answer_of("/v1/agents", port, process)).status_code == 401
        metrics = await answer_of("/metrics", port, process)
        assert 'http_requests_total{method="GET",route="other",status="401"} 1.0' in metrics.text
    finally:
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(60):
            output, errors = await process.communicate()
    assert process.returncode == 0, errors.decode()
    assert b'"event": "stopped"' in output


@pytest.mark.parametrize("name", ["jwt", "keyring", "postgres"])
async def test_does_not_start_without_its_secrets(postgres: Place, name: str) -> None:
    secret = postgres.home.secrets("gateway").folder / name
    aside = secret.with_suffix(".aside")
    secret.rename(aside)
    try:
        process = await start(postgres, free_port())
        async with asyncio.timeout(60):
            _, errors = await process.communicate()
    finally:
        aside.rename(secret)
    assert process.returncode != 0
    assert b"SecretMissing" in errors
