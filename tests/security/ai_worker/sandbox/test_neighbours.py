"""What a run in the sandbox does to the hub beside it: a fork bomb, hogs of memory and processor, floods of output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from time import perf_counter

import pytest

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.calls import INTERPRETER
from ai_worker.sandbox.cgroup import find_groups
from ai_worker.sandbox.port import MIB, Job, Limits
from aiox.runtime.clock import SystemClock
from bench.measure import percentile
from setup.prove import note

ECHO = """
import sys, hashlib
for line in sys.stdin.buffer:
    hashlib.sha256(b"x" * 400_000).digest()
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()
"""
"""A neighbour: answers, after half a millisecond of work."""
HOGS = {
    "fork bomb": "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass",
    "processor": "import os\nfor _ in range(5):\n    os.fork()\nwhile True:\n    pass",
    "memory": "import os\nos.fork(); os.fork()\nwhile True:\n    held = bytearray(24 << 20)\n    del held",
    "disk": "while True:\n    with open('x', 'wb') as file:\n        file.write(b'x' * (16 << 20))",
}
ROUNDS, QUESTIONS = 5, 120


@asynccontextmanager
async def neighbour() -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        ECHO,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def answers(process: asyncio.subprocess.Process) -> list[float]:
    """How long each of its answers takes, in seconds."""
    assert process.stdin is not None
    assert process.stdout is not None
    found = []
    for _ in range(QUESTIONS):
        began = perf_counter()
        process.stdin.write(b"hello\n")
        await process.stdout.readline()
        found.append(perf_counter() - began)
        await asyncio.sleep(0.004)
    return found


@asynccontextmanager
async def beside(code: str) -> AsyncIterator[None]:
    """Two of these run, as many as a worker lets run at a time."""
    sandbox = Bubblewrap(SystemClock(), groups=find_groups())
    limits = Limits(wall_s=60.0, cpu_s=60, memory_bytes=128 * MIB)
    runs = [
        asyncio.get_running_loop().create_task(sandbox.run(Job((*INTERPRETER, "-c", code), limits=limits)))
        for _ in range(2)
    ]
    await asyncio.sleep(1.0)
    try:
        assert not any(run.done() for run in runs), [run.result() for run in runs if run.done()]
        yield
    finally:
        for run in runs:
            run.cancel()
        await asyncio.gather(*runs, return_exceptions=True)


@pytest.mark.prove
@pytest.mark.parametrize("hog", HOGS)
async def test_the_neighbours_p95_stays_within_twice_what_it_was(hog: str) -> None:
    alone, together = [], []
    async with neighbour() as process:
        await answers(process)
        for _ in range(ROUNDS):
            alone += await answers(process)
            async with beside(HOGS[hog]):
                together += await answers(process)
    before, after = percentile(alone, 0.95) * 1000, percentile(together, 0.95) * 1000
    note(f"{hog}: a neighbour's p95 {before:.2f} ms alone, {after:.2f} ms beside two of them")
    assert after <= 2 * before


async def test_a_neighbour_is_answered_beside_a_fork_bomb() -> None:
    """Whatever the machine: all questions are, and the bomb is gone afterwards."""
    async with neighbour() as process:
        async with beside(HOGS["fork bomb"]):
            assert len(await answers(process)) == QUESTIONS
        assert len(await answers(process)) == QUESTIONS
