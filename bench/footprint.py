"""How much a hub takes: a fresh home from `aiox up` to its last line, what its parts hold then, and what is installed.

Beside it, a process that has done nothing but import litellm: what the worker does without until a provider needs it.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from aiox.cli.stack.home import prepare
from aiox.runtime.settings import Settings
from bench.installed import megabytes
from bench.measure import Figure, Side
from tests.stack import RunningHub, free_ports

NAME: Final = "footprint"
WORKER: Final = "resident memory of an AI worker"
_IMPORT: Final = (
    "import os; os.environ['LITELLM_LOCAL_MODEL_COST_MAP'] = 'True'; import litellm; print('here', flush=True); input()"
)


def resident_mb(pid: int) -> float:
    """Resident memory of a process now, shared pages included."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines() if ":" in line)
    return int(fields["VmRSS"].split()[0]) / 1024


@dataclass(frozen=True, slots=True)
class FreshHub:
    """A hub in an empty home."""

    name: str = "aiox up"

    async def measure(self) -> Sequence[Figure]:
        """One first start."""
        with TemporaryDirectory(prefix="aiox-bench-") as folder:
            settings = Settings(home=Path(folder) / "home", ports=free_ports())
            began = time.perf_counter()
            hub = RunningHub(prepare(settings), settings)
            try:
                await hub.start()
                took = time.perf_counter() - began
                held = {part: resident_mb(pid) for part, pid in hub.pids().items()}
            finally:
                await hub.stop()
        others = [Figure(f"resident memory of {part}", "MB", held[part]) for part in ("orchestrator", "gateway")]
        installed, fetched = await asyncio.to_thread(megabytes)
        return [
            Figure(WORKER, "MB", held["ai_worker"]),
            *others,
            Figure("first start", "s", took),
            Figure("packages to run with, installed", "MB", installed),
            Figure("packages to run with, fetched", "MB", fetched),
        ]


@dataclass(frozen=True, slots=True)
class LiteLlmImported:
    """A Python process with litellm in it."""

    name: str = "import litellm"

    async def measure(self) -> Sequence[Figure]:
        """One process, until the library is there."""
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", _IMPORT, stdin=pipe, stdout=pipe)
        try:
            if process.stdout is None or not await process.stdout.readline():
                raise RuntimeError("litellm could not be imported")
            held = resident_mb(process.pid)
        finally:
            process.kill()
            await process.wait()
        return [Figure(WORKER, "MB", held)]


@asynccontextmanager
async def sides(_clients: int, _questions: int, _seconds: float) -> AsyncIterator[Sequence[Side]]:
    """The hub first."""
    yield [FreshHub(), LiteLlmImported()]
