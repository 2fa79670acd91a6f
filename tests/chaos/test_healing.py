"""`aiox up` tends its own parts: whichever is killed under load, the hub heals itself and every claim holds."""

from __future__ import annotations

import asyncio
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import pytest

from aiox.cli.stack.home import prepare
from aiox.cli.stack.services import health_port
from aiox.runtime.settings import Limits, Model, Service, Settings, Telemetry
from bench.stub_model import stub_model
from setup.prove import note
from tests.chaos.checker import summary
from tests.chaos.keeper import NO_LIMIT, PARTS, RESTART_S, Keeper, answers_ready
from tests.chaos.kills import order, run_round
from tests.chaos.traffic import Traffic, joined
from tests.stack import RunningHub, free_ports

SERVICES: Final[tuple[Service, ...]] = ("component", "orchestrator", "ai_worker")
KILLS: Final = 14


class Tended(Keeper):
    """A hub that `aiox up` keeps whole: this only kills, and sees when it is whole again."""

    def __init__(self, hub: RunningHub) -> None:
        super().__init__(hub.home, hub.settings)
        self._hub = hub
        self._gone = 0

    def kill(self, part: str) -> None:
        self._gone = self._hub.kill(part)

    async def whole(self) -> None:
        async with asyncio.timeout(RESTART_S):
            while not await self._is_whole():
                await asyncio.sleep(0.1)

    async def _is_whole(self) -> bool:
        pids = self._hub.pids()
        if self._gone in pids.values() or not set(PARTS) <= set(pids):
            return False
        return all([await answers_ready(health_port(self.settings.ports, service)) for service in SERVICES])


@asynccontextmanager
async def tended(seed: int, clients: int, conversations: int) -> AsyncIterator[Traffic]:
    """People who talk to a hub that `aiox up` runs."""
    folder = Path(tempfile.mkdtemp(prefix="aiox-chaos-"))
    try:
        async with stub_model(latency_ms=50, keep_requests=False) as model:
            settings = Settings(
                home=folder,
                ports=free_ports(),
                limits=Limits(messages_per_minute=NO_LIMIT, message_burst=NO_LIMIT),
                model=Model(provider="openai", name="stub", api_base=model.url),
                telemetry=Telemetry(sample_rate=0),
            )
            hub = RunningHub(prepare(settings), settings, _environment(model.url))
            try:
                await hub.start()
                async with joined(Tended(hub), model, seed, clients, conversations) as running:
                    yield running
            finally:
                await hub.stop()
    finally:
        shutil.rmtree(folder)


def _environment(model_url: str) -> dict[str, str]:
    """What `aiox up` is told beside its ports: no limits at the door, and the stub where the model is."""
    return {
        "AIOX_LIMITS__MESSAGES_PER_MINUTE": str(NO_LIMIT),
        "AIOX_LIMITS__MESSAGE_BURST": str(NO_LIMIT),
        "AIOX_MODEL__PROVIDER": "openai",
        "AIOX_MODEL__NAME": "stub",
        "AIOX_MODEL__API_BASE": model_url,
    }


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_chaos_healed_by_aiox_up(request: pytest.FixtureRequest) -> None:
    given = request.config.getoption("--hypothesis-seed")
    seed = int(given) if given else secrets.randbelow(2**32)
    async with tended(seed, clients=8, conversations=24) as running:
        done = await run_round(running, order(seed, KILLS), messages=30, seconds=1.0, tell=print)
        settled = await running.settled()
        violations = await running.violations()
    note(f"healing seed {seed}: {done.figures()}; {len(violations)} violations")
    assert settled
    assert not violations, summary(violations)
    assert len(done.kills) == KILLS
