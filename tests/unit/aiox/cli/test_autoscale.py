"""From the queue to the operator's command."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest

from aiox.cli.autoscale import Autoscale, filled, words_of
from aiox.cli.stack.processes import run
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.clock import SystemClock
from policy.autoscale import Bounds, Scaler
from policy.workers import Demand

FLEET = "import sys, pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
"""Keeps so many workers as it is told: writes the number down."""


class Hub:
    """A queue, and workers that a command of the operator's keeps."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.queued = 0
        self.fails = False
        self.said: list[str] = []
        file.write_text("3")

    async def look(self) -> Demand:
        workers = int(self.file.read_text())
        return Demand(self.queued, 0.0, min(self.queued, 8 * workers), 8 * workers, workers)

    async def ask(self, count: int) -> None:
        if self.fails:
            raise CannotGoOn("no room")
        command = words_of(f"{sys.executable} -c '{FLEET}' {self.file} {{workers}}")
        await run(*filled(command, count))

    def scale(self, cool_s: float = 0.0) -> Autoscale:
        return Autoscale(Scaler(Bounds(), cool_s=cool_s), self.look, self.ask, SystemClock(), self.said.append)


async def test_workers_come_with_the_load_and_go_with_it(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "workers")
    scale = hub.scale()
    assert await scale.step() is None
    hub.queued = 120
    assert (await scale.step() or 0) >= 6
    assert int(hub.file.read_text()) >= 6
    hub.queued = 0
    await asyncio.sleep(0.01)
    assert await scale.step() == 3
    assert hub.file.read_text() == "3"
    assert hub.said[-1] == f"{hub.said[0].split('asking for ')[1]} workers run, 0 turns wait: asking for 3"


async def test_a_command_that_fails_is_said_and_tried_again(tmp_path: Path) -> None:
    hub = Hub(tmp_path / "workers")
    scale = hub.scale(cool_s=60)
    hub.queued, hub.fails = 200, True
    assert await scale.step() is None
    assert hub.said[-1] == "that failed: no room"
    hub.fails = False
    assert await scale.step() == 10


def test_a_command_names_its_place_for_the_number() -> None:
    words = words_of("docker compose up -d --scale 'ai-worker={workers}'")
    assert filled(words, 4)[-1] == "ai-worker=4"
    for wrong in ("docker compose up", "say '{workers}"):
        with pytest.raises(CannotGoOn, match="Mend:"):
            words_of(wrong)
