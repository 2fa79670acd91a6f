"""Named tasks: started in stages, stopped in reverse with a budget. The only place that calls create_task."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any

from aiox.runtime.logs import Log, describe


class ServiceFailed(Exception):
    """A task that should run for ever ended."""


class Closing:
    """What a process does to stop, step by step. `budgets` says how long each step may take, in seconds.

    A step that takes longer is cut off, and one that fails is logged: neither keeps the next from running.
    """

    def __init__(self, budgets: Mapping[str, float], log: Log) -> None:
        self._budgets = budgets
        self._log = log

    async def step(self, name: str, work: Callable[[], Awaitable[object]]) -> None:
        """Runs one step within its budget."""
        try:
            async with asyncio.timeout(self._budgets[name]):
                await work()
        except TimeoutError:
            self._log.error("stop_step_cut_off", step=name, budget_s=self._budgets[name])
        except Exception as broken:  # noqa: BLE001 -- said, and the next step runs all the same
            self._log.error("stop_step_failed", step=name, error=describe(broken))


class Supervisor:
    """Owns the long-lived tasks of one process.

    A task that ends by itself, with or without an exception, ends the process: a half-alive service is worse than a
    restart. `stop_budget_s` bounds the whole stop; what is not done by then is cancelled.
    """

    def __init__(self, log: Log, stop_budget_s: float = 8.0) -> None:
        self._log = log
        self._stop_budget_s = stop_budget_s
        self._tasks: list[asyncio.Task[None]] = []
        self._short: set[asyncio.Task[None]] = set()
        self._stop = asyncio.Event()
        self._failure: BaseException | None = None

    def start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Runs `work` until the process stops."""
        task = asyncio.create_task(work, name=name)  # noqa: TID251 -- the one place that may
        task.add_done_callback(self._ended)
        self._tasks.append(task)

    def run_once(self, name: str, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Runs `work`, which may end. An exception in it is logged and does not end the process."""
        task = asyncio.create_task(work, name=name)  # noqa: TID251 -- the one place that may
        self._short.add(task)
        task.add_done_callback(self._short_ended)
        return task

    def request_stop(self) -> None:
        """Asks the process to stop in order."""
        self._stop.set()

    async def run_until_stopped(self) -> None:
        """Waits for SIGTERM, SIGINT, `request_stop` or a failed task. Raises ServiceFailed for the last."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        await self._stop.wait()
        if self._failure is not None:
            raise ServiceFailed(str(self._failure)) from self._failure

    async def stop(self) -> None:
        """Cancels what runs, last started first, and waits for it within the budget."""
        tasks = [*reversed(self._tasks), *self._short]
        for task in tasks:
            task.remove_done_callback(self._ended)
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=self._stop_budget_s)
            for task in late:
                self._log.error("task_did_not_stop", task=task.get_name())

    def _ended(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        self._failure = task.exception() or ServiceFailed(f"{task.get_name()} ended")
        self._log.error("task_ended", task=task.get_name(), error=describe(self._failure))
        self._stop.set()

    def _short_ended(self, task: asyncio.Task[None]) -> None:
        self._short.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._log.error("task_failed", task=task.get_name(), error=describe(error))
