"""What needs a process ends with it: who waits for an answer of a dead one would wait as long as they are patient."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from aiox.cli.stack.processes import Process, Program
from aiox.cli.stack.trouble import CannotGoOn, PartDied

LONG_S = 600.0


async def sleeper(folder: Path) -> Process:
    return await Process.start(Program("part", "Part", ("sleep", str(LONG_S))), folder / "log")


async def killed(process: Process) -> None:
    """Kills it, and waits for its answer."""
    os.kill(process.pid, signal.SIGKILL)
    await asyncio.sleep(LONG_S)


async def test_work_ends_with_the_process(tmp_path: Path) -> None:
    process = await sleeper(tmp_path)
    async with asyncio.timeout(60):
        with pytest.raises(PartDied):
            await process.unless_it_dies(killed(process))


@pytest.mark.control
async def test_control_work_alone_goes_on(tmp_path: Path) -> None:
    process = await sleeper(tmp_path)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(killed(process), 1)
    assert not process.running


async def test_work_that_is_done_leaves_the_process_alone(tmp_path: Path) -> None:
    process = await sleeper(tmp_path)
    await process.unless_it_dies(asyncio.sleep(0))
    assert process.running
    await process.stop()


async def test_what_the_work_raises_is_raised(tmp_path: Path) -> None:
    async def refused() -> None:
        raise CannotGoOn("no. Mend: another")

    process = await sleeper(tmp_path)
    with pytest.raises(CannotGoOn, match="no"):
        await process.unless_it_dies(refused())
    await process.stop()
