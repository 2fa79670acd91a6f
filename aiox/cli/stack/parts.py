"""The parts of a running stack: started with a line each, started again when they die, stopped in order."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from aiox.cli.stack.healing import Deaths
from aiox.cli.stack.processes import Process, Program
from aiox.cli.stack.trouble import CannotGoOn, PartDied
from aiox.runtime.supervisor import Supervisor

STOP_ORDER: Final = (
    {"component", "gateway"},  # the doors first: nothing new comes in
    {"orchestrator"},
    {"ai_worker"},
    {"ejabberd"},
    {"nats", "redis"},
    {"postgres"},
)
HEAL_BUDGET_S: Final = 25.0
"""What the slowest part needs to stop when the stack is stopped while that part is being started again."""

Begin = Callable[[], Awaitable[Process]]
"""Starts a part and returns when it is ready. Raises CannotGoOn."""


class Parts:
    """What runs. A part that dies is started again; one that dies too often ends the stack through the supervisor."""

    def __init__(self, supervisor: Supervisor, deaths: Callable[[], Deaths] = Deaths) -> None:
        self._supervisor = supervisor
        self._deaths = deaths
        self._running: dict[str, Process] = {}
        self._down: set[str] = set()
        self._renewed: dict[str, asyncio.Event] = {}
        self._back = asyncio.Event()

    async def start(self, begin: Begin) -> Process:
        """Waits until a part is ready, says so, and keeps it running from then on."""
        began = _now()
        process = await begin()
        program = process.program
        self._running[program.name] = process
        self._supervisor.start(f"keep {program.name}", self._keep(begin, process))
        print(f"  {program.title:<16} ready in {_now() - began:4.1f} s", flush=True)
        return process

    def instances(self, service: str) -> list[str]:
        """Names of the running parts of one kind: `orchestrator`, `orchestrator-2`."""
        return sorted(name for name in self._running if name.split("-")[0] == service)

    async def renew(self, name: str) -> None:
        """Stops a running part in order and starts it again; returns when it is ready."""
        self._renewed[name] = back = asyncio.Event()
        await self._running[name].stop()
        await back.wait()

    async def stop(self) -> None:
        """Stops all parts, doors first, stores last. Nothing is started again: the supervisor has stopped before."""
        for stage in range(len(STOP_ORDER)):
            leaving = [self._running.pop(name) for name in sorted(self._running) if _stage(name) == stage]
            times = await asyncio.gather(*(process.stop() for process in leaving))
            for process, seconds in zip(leaving, times, strict=True):
                print(f"  {process.program.title:<16} stopped in {seconds:4.1f} s", flush=True)

    async def _keep(self, begin: Begin, process: Process) -> None:
        """Starts the part again each time it dies. Raises PartDied, with its last words, when that was too often."""
        deaths, name = self._deaths(), process.program.name
        while True:
            try:
                await process.until_death()
            except PartDied as died:
                self._down.add(name)
                await self._running.pop(name).stop()
                process = self._running[name] = await self._again(begin, died, deaths, process.program)
                self._down.discard(name)
                self._back.set()
            else:
                if name not in self._renewed:
                    return
                process = self._running[name] = await self._anew(begin, deaths, process.program)
                self._renewed.pop(name).set()

    async def _anew(self, begin: Begin, deaths: Deaths, program: Program) -> Process:
        """After an end that was asked for."""
        try:
            return await begin()
        except CannotGoOn as refused:
            return await self._again(begin, PartDied(str(refused), "renewal"), deaths, program)

    async def _again(self, begin: Begin, died: PartDied, deaths: Deaths, program: Program) -> Process:
        began, title = _now(), program.title
        last: CannotGoOn = died
        while True:
            wait = deaths.next_wait(_now())
            if wait is None:
                raise last
            await asyncio.sleep(wait)
            await self._until_stores_are_back(program.name)
            try:
                process = await begin()
            except CannotGoOn as again:
                last = again
                print(f"  {title:<16} did not come back: {again}", flush=True)
            else:
                print(f"  {title:<16} had died, is back after {_now() - began:4.1f} s ({died.how})", flush=True)
                return process

    async def _until_stores_are_back(self, name: str) -> None:
        """A part that needs another one which is down as well would only die again."""
        while any(_stage(other) > _stage(name) for other in self._down):
            self._back.clear()
            await self._back.wait()


def _stage(name: str) -> int:
    """Where a part stands in the order of stopping; `orchestrator-2` stands beside `orchestrator`."""
    return next(number for number, stage in enumerate(STOP_ORDER) if name.split("-")[0] in stage)


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
