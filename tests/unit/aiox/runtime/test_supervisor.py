"""Tasks are owned: one that ends ends the process, a stop is bounded, signals ask for it."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator
from unittest.mock import MagicMock

import pytest

from aiox.runtime.supervisor import Closing, ServiceFailed, Supervisor

PATIENCE_S = 60.0
"""Long, and no match for what never ends."""


@pytest.fixture
def log() -> MagicMock:
    return MagicMock()


@pytest.fixture
async def supervisor(log: MagicMock) -> AsyncIterator[Supervisor]:
    supervisor = Supervisor(log, stop_budget_s=0.2)
    yield supervisor
    await supervisor.stop()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().remove_signal_handler(number)


async def fail() -> None:
    raise RuntimeError("broken")


async def nothing() -> None:
    pass


async def test_a_task_that_fails_ends_the_process_with_its_error(supervisor: Supervisor, log: MagicMock) -> None:
    supervisor.start("reader", fail())
    with pytest.raises(ServiceFailed, match="broken"):
        await supervisor.run_until_stopped()
    assert log.error.call_args.args == ("task_ended",)
    assert log.error.call_args.kwargs["task"] == "reader"


async def test_a_task_that_merely_ends_ends_the_process_too(supervisor: Supervisor) -> None:
    supervisor.start("reader", nothing())
    with pytest.raises(ServiceFailed, match="reader ended"):
        await supervisor.run_until_stopped()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_signals_ask_for_a_stop(supervisor: Supervisor, number: signal.Signals) -> None:
    asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
    await supervisor.run_until_stopped()


async def test_a_stop_can_be_asked_for(supervisor: Supervisor) -> None:
    supervisor.request_stop()
    await supervisor.run_until_stopped()


async def test_stops_what_was_started_last_first(log: MagicMock) -> None:
    stopped: list[str] = []

    async def run(name: str) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.append(name)

    supervisor = Supervisor(log)
    for name in ("store", "bus", "door"):
        supervisor.start(name, run(name))
    await asyncio.sleep(0)
    await supervisor.stop()
    assert stopped == ["door", "bus", "store"]
    log.error.assert_not_called()


async def test_a_task_that_will_not_stop_is_named_and_does_not_hold_up_the_stop(log: MagicMock) -> None:
    free = asyncio.Event()

    async def stubborn() -> None:
        while not free.is_set():
            try:
                await free.wait()
            except asyncio.CancelledError:
                continue

    supervisor = Supervisor(log, stop_budget_s=0.05)
    task = supervisor.run_once("stubborn", stubborn())
    await asyncio.sleep(0)
    started = time.monotonic()
    await supervisor.stop()
    assert time.monotonic() - started < PATIENCE_S
    log.error.assert_called_once_with("task_did_not_stop", task="stubborn")
    free.set()
    await task


async def test_short_work_may_end_and_its_failure_is_only_logged(supervisor: Supervisor, log: MagicMock) -> None:
    await supervisor.run_once("answer", nothing())
    task = supervisor.run_once("answer", fail())
    with pytest.raises(RuntimeError):
        await task
    assert log.error.call_args.args == ("task_failed",)
    supervisor.request_stop()
    await supervisor.run_until_stopped()


async def test_short_work_that_still_runs_is_stopped(supervisor: Supervisor) -> None:
    task = supervisor.run_once("answer", asyncio.Event().wait())  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await supervisor.stop()
    assert task.cancelled()


async def test_a_stop_step_that_takes_too_long_or_fails_does_not_keep_the_next_from_running(log: MagicMock) -> None:
    closing = Closing({"bus": 0.05, "pool": 1.0, "memory": 1.0}, log)
    done: list[str] = []

    async def finish() -> None:
        done.append("memory")

    started = time.monotonic()
    await closing.step("bus", asyncio.Event().wait)
    await closing.step("pool", fail)
    await closing.step("memory", finish)
    assert time.monotonic() - started < PATIENCE_S
    assert done == ["memory"]
    assert [call.args[0] for call in log.error.call_args_list] == ["stop_step_cut_off", "stop_step_failed"]
