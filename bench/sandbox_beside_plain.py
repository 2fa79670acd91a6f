"""A cold Python tool in the sandbox beside the same program in a plain subprocess: the price of the walls around it.

The program is what a small tool does: a few modules of the standard library, JSON in, JSON out. Both sides start one
and the same interpreter with the same flags, one run after the other.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from subprocess import run
from typing import Final

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.calls import INTERPRETER
from ai_worker.sandbox.port import Job
from aiox.runtime.clock import SystemClock
from bench.measure import Figure, Side

NAME: Final = "sandbox-beside-plain"
RUNS: Final = 60
TOOL: Final = "import csv, datetime, json, re, sys; json.dump({'n': len(sys.stdin.read())}, sys.stdout)"
EMPTY: Final = "pass"


def _figures(tool: list[float], empty: list[float]) -> list[Figure]:
    return [
        Figure("cold tool, median", "ms", median(tool) * 1000),
        Figure("start, p95", "ms", quantiles(empty, n=20)[-1] * 1000),
    ]


@dataclass(frozen=True, slots=True)
class Plain:
    """subprocess.run, with nothing around it."""

    name: str = "plain subprocess"

    async def measure(self) -> Sequence[Figure]:
        """One round."""
        return _figures([_plain(TOOL) for _ in range(RUNS)], [_plain(EMPTY) for _ in range(RUNS)])


def _plain(code: str) -> float:
    clock = SystemClock()
    began = clock.monotonic()
    command = [getattr(sys, "_base_executable", sys.executable), *INTERPRETER[1:], "-c", code]
    done = run(command, input=b"{}", capture_output=True, env={}, check=True)
    if (code is TOOL) is not bool(done.stdout):
        raise RuntimeError("the program did not do its work")
    return clock.monotonic() - began


@dataclass(frozen=True, slots=True)
class Sandboxed:
    """The worker's sandbox."""

    sandbox: Bubblewrap
    name: str = "sandbox"

    async def measure(self) -> Sequence[Figure]:
        """One round."""
        return _figures([await self._run(TOOL) for _ in range(RUNS)], [await self._run(EMPTY) for _ in range(RUNS)])

    async def _run(self, code: str) -> float:
        clock = SystemClock()
        began = clock.monotonic()
        done = await self.sandbox.run(Job((*INTERPRETER, "-c", code), b"{}"))
        if not done.ok or (code is TOOL) is not bool(done.stdout):
            raise RuntimeError("the program did not do its work")
        return clock.monotonic() - began


@asynccontextmanager
async def sides(_clients: int, _questions: int, _seconds: float) -> AsyncIterator[Sequence[Side]]:
    """Both, in this process. Raises RuntimeError where no sandbox can be had."""
    sandbox = Bubblewrap(SystemClock())
    if trouble := await sandbox.trouble():
        raise RuntimeError(trouble)
    yield Plain(), Sandboxed(sandbox)
