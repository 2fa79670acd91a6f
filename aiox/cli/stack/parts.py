"""The parts of a running stack: started with a line each, watched, stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Coroutine
from typing import Any, Final

from aiox.cli.stack.processes import Process
from aiox.runtime.supervisor import Supervisor

STOP_ORDER: Final = (
    {"component", "gateway"},  # the doors first: nothing new comes in
    {"orchestrator"},
    {"ai_worker"},
    {"ejabberd"},
    {"nats", "redis"},
    {"postgres"},
)


class Parts:
    """What runs. Every part's unexpected end ends the whole stack through the supervisor."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._running: dict[str, Process] = {}

    async def start(self, starting: Awaitable[Process]) -> Process:
        """Waits until a part is ready, says so, and watches it from then on."""
        began = _now()
        process = await starting
        program = process.program
        self._running[program.name] = process
        self._supervisor.start(f"watch {program.name}", process.until_death())
        print(f"  {program.title:<16} ready in {_now() - began:4.1f} s", flush=True)
        return process

    async def stop(self) -> None:
        """Stops all parts, doors first, stores last."""
        for stage in STOP_ORDER:
            leaving = [self._running.pop(name) for name in sorted(stage) if name in self._running]
            times = await asyncio.gather(*(process.stop() for process in leaving))
            for process, seconds in zip(leaving, times, strict=True):
                print(f"  {process.program.title:<16} stopped in {seconds:4.1f} s", flush=True)


async def together(*work: Coroutine[Any, Any, Any]) -> None:
    """Runs all at once. When one fails the others are cancelled, and its exception is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            for one in work:
                group.create_task(one)
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None


def _now() -> float:
    return asyncio.get_running_loop().time()
