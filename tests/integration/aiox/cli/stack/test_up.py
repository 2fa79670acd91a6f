"""`aiox up` as people run it: a child process, watched from outside."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from aiox.cli.stack import lock
from aiox.cli.stack.trouble import CannotGoOn, PartDied
from tests.stack import RunningHub, throw_away

GONE_S = 90.0
LOOPBACK = "0100007F"
LOOPBACK_MAPPED = "0000000000000000FFFF00000100007F"
"""127.0.0.1 as IPv4 and as an IPv6 socket writes it."""


@pytest.fixture(scope="module")
async def own() -> AsyncIterator[RunningHub]:
    """A hub that these tests may kill."""
    async with throw_away() as hub:
        yield hub


@pytest.fixture
async def up(own: RunningHub) -> RunningHub:
    """The hub, running; started anew only when the test before has ended it."""
    if own.process is None or not own.process.running:
        await own.start()
    return own


def processes_of(hub: RunningHub) -> dict[int, str]:
    """Every process whose environment, arguments or folder name the home."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        if int(process.name) == os.getpid():
            continue
        try:
            told = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
            state = (process / "stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:  # it ended meanwhile
            continue
        if str(hub.home.root).encode() in told and state != "Z":
            found[int(process.name)] = (process / "comm").read_text().strip()
    return found


def listening(processes: dict[int, str]) -> set[str]:
    """Local addresses, as /proc/net writes them, on which these processes accept."""
    sockets = set()
    for pid in processes:
        for handle in Path(f"/proc/{pid}/fd").iterdir():
            sockets.add(str(handle.readlink()))
    found = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in Path(table).read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in sockets:
                found.add(fields[1])
    return found


async def until(holds: Callable[[], bool], seconds: float = GONE_S) -> None:
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.05)


def names(pattern: str, text: str) -> list[str]:
    return [name.strip() for name in re.findall(pattern, text, re.MULTILINE)]


def started_in_order(text: str) -> bool:
    """Stores first, and the server before who connects to it."""
    started = names(r"^  (.{16}) ready in", text)
    assert set(started[:3]) == {"PostgreSQL", "Redis", "NATS JetStream"}
    return started.index("ejabberd") < started.index("component")


async def test_the_stores_are_started_first(up: RunningHub) -> None:
    assert started_in_order(up.printed())


async def test_nobody_listens_beyond_loopback(up: RunningHub) -> None:
    addresses = listening(processes_of(up))
    clusters = {"nats_cluster", "redis_sentinel"}  # only nodes of a cluster listen there
    alone = set(type(up.settings.ports).model_fields) - clusters
    assert len(addresses) >= len(alone)
    assert {address.rsplit(":", 1)[0] for address in addresses} <= {LOOPBACK, LOOPBACK_MAPPED}


async def test_a_part_that_dies_is_started_again_and_said_so(up: RunningHub) -> None:
    titles = {"redis": "Redis", "postgres": "PostgreSQL", "nats": "NATS JetStream", "ai_worker": "AI worker"}
    for part, title in titles.items():
        victim = up.kill(part)
        await until(lambda title=title: f"  {title:<16} had died, is back" in up.printed())  # type: ignore[misc]
        assert up.pids()[part] != victim
    assert len(up.pids()) == 8


@pytest.mark.prove  # half a minute of waits; tests/unit/aiox/cli/stack/test_parts.py has it in short
async def test_a_part_that_dies_again_and_again_takes_the_others_along_and_is_named(up: RunningHub) -> None:
    assert up.process is not None
    running = up.process
    killed: set[int] = set()

    def one_more() -> bool:
        if running.running and (victim := up.pids().get("redis")) is not None and victim not in killed:
            os.kill(victim, signal.SIGKILL)
            killed.add(victim)
        return not running.running

    await until(one_more, 80.0)
    assert len(killed) in (10, 11)  # the test before may have killed one
    with pytest.raises(PartDied, match=r"exit code 1.*Redis ended \(signal SIGKILL\)"):
        await running.until_death()
    assert processes_of(up) == {}


async def test_two_on_one_home_collide_clearly(up: RunningHub) -> None:
    second = RunningHub(up.home, up.settings)
    with pytest.raises(PartDied, match=r"a hub runs on .* already \(process \d+\)"):
        await second.start()
    assert lock.holder(up.home) == up.process.pid if up.process else False


async def test_two_homes_with_the_same_ports_collide_clearly(up: RunningHub) -> None:
    async with throw_away() as other:
        text = other.home.settings_file.read_text()
        theirs = str(other.settings.ports.nats)
        other.home.settings_file.write_text(text.replace(theirs, str(up.settings.ports.nats)))
        with pytest.raises(CannotGoOn, match=rf"port {up.settings.ports.nats} \(nats\) is in use by nats-server"):
            await other.start()


async def test_killing_it_leaves_nothing_behind(up: RunningHub) -> None:
    assert up.process is not None
    assert len(processes_of(up)) > 8
    os.kill(up.process.pid, signal.SIGKILL)
    await until(lambda: not processes_of(up))
    await up.start()  # and what was stored is in order
    found = re.search(r"All parts are ready after ([0-9.]+) s", up.printed())
    assert found
    print(f"second start: {found[1]} s")


async def test_it_stops_the_doors_first_and_the_stores_last(up: RunningHub) -> None:
    began = time.monotonic()
    await up.stop()
    print(f"stopped in {time.monotonic() - began:.1f} s")
    assert started_in_order(up.printed())
    assert names(r"^  (.{16}) stopped in", up.printed()) == [
        "component",
        "gateway",
        "orchestrator",
        "AI worker",
        "ejabberd",
        "NATS JetStream",
        "Redis",
        "PostgreSQL",
    ]
    assert processes_of(up) == {}
