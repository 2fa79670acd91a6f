"""`aiox autoscale` with real workers under load: more come with it, go with it, and no turn is lost on the way."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest

from aiox.cli.autoscale import demand_now
from aiox.cli.stack import services
from aiox.cli.stack.processes import Process, Program
from aiox.runtime import postgres
from aiox.runtime.settings import environment
from policy.autoscale import Bounds
from setup.prove import note
from tests.chaos.checker import summary
from tests.chaos.keeper import Keeper
from tests.chaos.traffic import Traffic, traffic

THINKING_MS: Final = 4_000.0
"""Three workers think about 24 turns at a time: six messages a second are what they can bear."""
MESSAGES, SECONDS = 600, 50.0
"""Twelve a second: twice as many."""
ENOUGH: Final = 6
WITHIN_S: Final = 60.0
COOL_S: Final = 15.0
"""Quiet before workers are taken away; the command's own is two minutes."""
SOON_S: Final = 240.0
TELL: Final = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"


@dataclass
class Fleet:
    """The workers beside the kept one: as many as the command has written down."""

    keeper: Keeper
    wanted: Path
    running: dict[int, Process] = field(default_factory=dict)

    @property
    def command(self) -> str:
        """What the operator gives to `aiox autoscale`."""
        return f"{sys.executable} -c '{TELL}' {self.wanted} {{workers}}"

    async def follow(self) -> None:
        """For ever."""
        while True:
            count = int(self.wanted.read_text()) if self.wanted.exists() else 1
            missing = [number for number in range(2, count + 1) if number not in self.running]
            spare = [number for number in self.running if number > count]
            await asyncio.gather(*(self._add(number) for number in missing), *(self._drop(number) for number in spare))
            await asyncio.sleep(0.2)

    async def stop(self) -> None:
        await asyncio.gather(*(self._drop(number) for number in list(self.running)))

    async def _add(self, number: int) -> None:
        home, settings = self.keeper.home, self.keeper.settings
        self.running[number] = await services.start(home, settings, "ai_worker", number)

    async def _drop(self, number: int) -> None:
        await self.running.pop(number).stop()


@asynccontextmanager
async def scaled(keeper: Keeper, fleet: Fleet) -> AsyncIterator[Process]:
    """`aiox autoscale` as a process of its own, and the fleet that obeys it."""
    words = ("autoscale", "--command", fleet.command, "--cool", str(COOL_S), "--every", "1")
    program = Program(
        name="autoscale",
        title="aiox autoscale",
        command=(sys.executable, "-m", "aiox.cli.main", *words),
        environment={**environment(keeper.home.root), "PYTHONUNBUFFERED": "1"},
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGTERM,
    )
    following = asyncio.create_task(fleet.follow())
    process = await Process.start(program, keeper.home.log_file("autoscale"))
    try:
        yield process
    finally:
        await process.stop()
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)
        await fleet.stop()


async def until_workers(running: Traffic, wanted: range, seconds: float) -> float:
    """Waits until so many workers answer; returns how long that took. Raises TimeoutError."""
    keeper, began = running.keeper, time.monotonic()
    pool = await postgres.connect(keeper.settings, keeper.home.secrets("gateway"), "gateway", size=1)
    try:
        async with asyncio.timeout(seconds):
            while (await demand_now(pool)).workers not in wanted:
                await asyncio.sleep(0.2)
    finally:
        await pool.close()
    return time.monotonic() - began


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_workers_come_and_go_with_the_load_and_no_turn_is_lost(tmp_path: Path) -> None:
    bounds = Bounds()
    async with traffic(11, clients=20, conversations=200, latency_ms=THINKING_MS) as running:
        fleet = Fleet(running.keeper, tmp_path / "workers")
        async with scaled(running.keeper, fleet) as process:
            await until_workers(running, range(bounds.least, bounds.least + 1), SOON_S)
            talking = asyncio.create_task(running.volley(0, messages=MESSAGES, seconds=SECONDS))
            up = await until_workers(running, range(ENOUGH, bounds.most + 1), SOON_S)
            await talking
            settled = await running.settled(SOON_S)
            down = await until_workers(running, range(bounds.least, bounds.least + 1), SOON_S)
            said = process.output()
        violations = await running.violations()
        messages = len(running.crowd.messages())
    print(said)
    note(
        f"workers {bounds.least} -> {ENOUGH} in {up:.0f} s, back to {bounds.least} {down:.0f} s after the last answer"
        f" (cool {COOL_S:.0f} s); {messages} messages, {len(violations)} violations"
    )
    assert settled
    assert not violations, summary(violations)
    assert messages == MESSAGES
    assert running.keeper.surprises == []
    assert up <= WITHIN_S
