"""A cold Python tool in the sandbox beside the same program in a plain subprocess: the price of the walls around it.

The program is what a small tool does: a few modules of the standard library, JSON in, JSON out. Both sides start one
and the same interpreter with the same flags, one run after the other.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from subprocess import run
from typing import Final

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.calls import INTERPRETER
from ai_worker.sandbox.cgroup import find_groups
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


class Pairs:
    """Rounds in which the two are started in turn, run by run: whatever the machine does meanwhile hits both."""

    def __init__(self, sandbox: Bubblewrap) -> None:
        self._sandbox = sandbox
        self._kept: list[Figure] = []

    async def plain(self) -> Sequence[Figure]:
        """A round; the sandbox's half of it is kept for `sandboxed`."""
        times: dict[str, list[float]] = {name: [] for name in ("plain tool", "tool", "plain empty", "empty")}
        for code, name in ((TOOL, "tool"), (EMPTY, "empty")):
            for _ in range(RUNS):
                times[f"plain {name}"].append(_plain(code))
                times[name].append(await self._boxed(code))
        self._kept = _figures(times["tool"], times["empty"])
        return _figures(times["plain tool"], times["plain empty"])

    async def sandboxed(self) -> Sequence[Figure]:
        """The other half of the round before. Raises RuntimeError where there was none."""
        if not self._kept:
            raise RuntimeError("no round to be the other half of")
        kept, self._kept = self._kept, []
        return kept

    async def _boxed(self, code: str) -> float:
        clock = SystemClock()
        began = clock.monotonic()
        done = await self._sandbox.run(Job((*INTERPRETER, "-c", code), b"{}"))
        if not done.ok or (code is TOOL) is not bool(done.stdout):
            raise RuntimeError("the program did not do its work")
        return clock.monotonic() - began


@dataclass(frozen=True, slots=True)
class Half:
    """One side of the pairs."""

    name: str
    measured: Callable[[], Awaitable[Sequence[Figure]]]

    async def measure(self) -> Sequence[Figure]:
        """One round."""
        return await self.measured()


def _plain(code: str) -> float:
    clock = SystemClock()
    began = clock.monotonic()
    command = [getattr(sys, "_base_executable", sys.executable), *INTERPRETER[1:], "-c", code]
    done = run(command, input=b"{}", capture_output=True, env={}, check=True)
    if (code is TOOL) is not bool(done.stdout):
        raise RuntimeError("the program did not do its work")
    return clock.monotonic() - began


@asynccontextmanager
async def sides(_clients: int, _questions: int, _seconds: float) -> AsyncIterator[Sequence[Side]]:
    """Both, in this process. Raises RuntimeError where no sandbox can be had."""
    sandbox = Bubblewrap(SystemClock(), groups=find_groups())
    if trouble := await sandbox.trouble():
        raise RuntimeError(trouble)
    pairs = Pairs(sandbox)
    yield Half("plain subprocess", pairs.plain), Half("sandbox", pairs.sandboxed)
