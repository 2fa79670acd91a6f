"""Parts that die are started again, in the order in which they need one another."""

from __future__ import annotations

import asyncio
from pathlib import Path
from unittest.mock import MagicMock

import pytest

from aiox.cli.stack.healing import Deaths
from aiox.cli.stack.parts import Begin, Parts
from aiox.cli.stack.processes import Process, Program
from aiox.cli.stack.trouble import CannotGoOn
from aiox.runtime.supervisor import ServiceFailed, Supervisor


def quickly() -> Deaths:
    return Deaths(first_s=0.01, longest_s=0.02, most=3)


def a_part(folder: Path, name: str, started: list[str], seconds: float = 60.0) -> Begin:
    async def begin() -> Process:
        started.append(name)
        program = Program(name, name.title(), ("sleep", str(seconds)))
        return await Process.start(program, folder / name)

    return begin


async def until_started(started: list[str], count: int) -> None:
    async with asyncio.timeout(60):
        while len(started) < count:
            await asyncio.sleep(0.01)


async def test_one_that_died_is_back_and_stopped_in_the_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    supervisor, started = Supervisor(MagicMock()), list[str]()
    parts = Parts(supervisor, quickly)
    process = await parts.start(a_part(tmp_path, "redis", started))
    process._child.kill()
    async with asyncio.timeout(60):
        while "had died, is back" not in (told := capsys.readouterr().out):
            await asyncio.sleep(0.01)
    assert "signal SIGKILL" in told
    await supervisor.stop()
    await parts.stop()
    assert started == ["redis", "redis"]
    assert "Redis            stopped in" in capsys.readouterr().out


async def test_one_that_dies_too_often_ends_all_with_its_last_words(tmp_path: Path) -> None:
    supervisor, started = Supervisor(MagicMock()), list[str]()
    parts = Parts(supervisor, quickly)
    await parts.start(a_part(tmp_path, "redis", started, seconds=0.01))
    with pytest.raises(ServiceFailed, match=r"Redis ended \(exit code 0\)"):
        await supervisor.run_until_stopped()
    assert len(started) == 4
    await supervisor.stop()
    await parts.stop()


async def test_one_that_cannot_be_started_is_tried_as_often(tmp_path: Path) -> None:
    supervisor, started = Supervisor(MagicMock()), list[str]()
    whole = a_part(tmp_path, "redis", started, seconds=0.01)

    async def begin() -> Process:
        if started:
            started.append("refused")
            raise CannotGoOn("no room")
        return await whole()

    parts = Parts(supervisor, quickly)
    await parts.start(begin)
    with pytest.raises(ServiceFailed, match="no room"):
        await supervisor.run_until_stopped()
    assert started == ["redis", *["refused"] * 3]
    await supervisor.stop()


async def test_a_service_waits_for_the_store_that_is_down_as_well(tmp_path: Path) -> None:
    supervisor, started, go = Supervisor(MagicMock()), list[str](), asyncio.Event()
    whole = a_part(tmp_path, "postgres", started)

    async def slowly() -> Process:
        if started:
            await go.wait()
        return await whole()

    parts = Parts(supervisor, quickly)
    store = await parts.start(slowly)
    service = await parts.start(a_part(tmp_path, "orchestrator-2", started))
    store._child.kill()
    service._child.kill()
    await asyncio.sleep(0.2)
    assert started == ["postgres", "orchestrator-2"]
    go.set()
    await until_started(started, 4)
    assert started[2:] == ["postgres", "orchestrator-2"]
    await supervisor.stop()
    await parts.stop()


async def test_one_that_is_renewed_is_stopped_and_started_and_no_death_is_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor, started = Supervisor(MagicMock()), list[str]()
    parts = Parts(supervisor, quickly)
    for name in ("ai_worker", "ai_worker-2", "gateway"):
        await parts.start(a_part(tmp_path, name, started))
    assert parts.instances("ai_worker") == ["ai_worker", "ai_worker-2"]
    before = dict(parts._running)
    for _ in range(5):  # more than may die
        await parts.renew("ai_worker-2")
    assert started.count("ai_worker-2") == 6
    assert parts._running["ai_worker-2"] is not before["ai_worker-2"]
    assert parts._running["gateway"] is before["gateway"]
    assert "had died" not in capsys.readouterr().out
    await supervisor.stop()
    await parts.stop()


async def test_one_that_does_not_come_back_from_its_renewal_is_tried_again(tmp_path: Path) -> None:
    supervisor, started = Supervisor(MagicMock()), list[str]()
    whole = a_part(tmp_path, "gateway", started)

    async def begin() -> Process:
        if started == ["gateway"]:
            started.append("refused")
            raise CannotGoOn("no room")
        return await whole()

    parts = Parts(supervisor, quickly)
    await parts.start(begin)
    await parts.renew("gateway")
    assert started == ["gateway", "refused", "gateway"]
    await supervisor.stop()
    await parts.stop()
