"""Two ways to ask: a closed loop, in which each client waits for its answer, and an open one, at a given rate."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Final

from bench.light_client import LightClient, NoAnswer, connected
from bench.load.crowd import Crowd, Member, crowd
from bench.load.plan import plan
from bench.measure import percentile
from bench.people import Person
from bench.whole import cpu
from bench.whole.record import Point, Record

CLOSED: Final = "closed loop"
DRAIN_S: Final = 30.0
"""How long late answers of an open loop are waited for."""


@dataclass(frozen=True, slots=True)
class Side:
    """Somebody who answers. `roots`: the processes whose time counts as theirs, by name."""

    name: str
    closed: Sequence[str]
    """Whom each client of the closed loop asks."""
    open: Sequence[Sequence[str]]
    """Whom each person of the open loop asks."""
    roots: Mapping[str, int]
    question: str = "question"


@dataclass(frozen=True)
class Askers:
    """Clients that are online, of both loops."""

    clients: Sequence[LightClient]
    people: Crowd
    seeds: Iterator[int] = field(default_factory=lambda: count(1))
    """A new one for each loop: what was answered under an id is not answered again."""

    async def closed(self, side: Side, seconds: float, record: Record, number: int) -> float:
        """One loop, put on record; returns messages a second. Raises NoAnswer: a round with errors is no round."""
        before, began = cpu.used(side.roots), time.perf_counter()
        loops = await _all_at_once(self.clients, side, began, seconds, next(self.seeds))
        took, used = time.perf_counter() - began, cpu.spent(before, cpu.used(side.roots))
        points = sorted(point for loop in loops for point in loop)
        times = [ms for _, ms in points]
        rate = len(points) / took
        found = [
            (CLOSED, "messages/s", rate),
            *((f"{CLOSED} p{n}", "ms", percentile(times, n / 100)) for n in (50, 99)),
        ]
        record.figures(side.name, number, [*found, *per_message(used, len(points))])
        record.times(side.name, number, CLOSED, points)
        return rate

    async def idle(self, side: Side, seconds: float, record: Record, number: int) -> None:
        """What a side takes while nobody asks, put on record."""
        before, began = cpu.used(side.roots), time.perf_counter()
        await asyncio.sleep(seconds)
        used, took = cpu.spent(before, cpu.used(side.roots)), time.perf_counter() - began
        found = [("idle, CPU", "ms/s", sum(used.values()) / took * 1000)]
        found += [(f"idle, CPU of {name}", "ms/s", one / took * 1000) for name, one in used.items()]
        record.figures(side.name, number, found)

    async def open(self, side: Side, rate: float, seconds: float, loop: str, record: Record, number: int) -> None:
        """One loop at `rate` messages a second, put on record. Raises NoAnswer when one was not answered."""
        members = [Member(one.login, asked) for one, asked in zip(self.people.members, side.open, strict=True)]
        asking = Crowd(members, self.people.people)
        each = len(side.open[0])
        planned = plan(next(self.seeds), max(1, round(rate * seconds)), seconds, len(members), each, word=side.question)
        before, began = cpu.used(side.roots), time.monotonic()
        await asking.follow(planned, began)
        await asking.answered(DRAIN_S)
        used = cpu.spent(before, cpu.used(side.roots))
        points = _points(asking, {one.id for one in planned}, began, side.name)
        times = [ms for _, ms in points]
        offered = (f"{loop}, offered", "messages/s", rate)
        found = [offered, *((f"{loop} p{n}", "ms", percentile(times, n / 100)) for n in (50, 99))]
        record.figures(side.name, number, [*found, *per_message(used, len(points), loop)])
        record.times(side.name, number, loop, points)


def per_message(used: Mapping[str, float], messages: int, loop: str = CLOSED) -> list[tuple[str, str, float]]:
    """Processor time of the whole and of each part, in milliseconds of a message."""
    whole = (f"{loop}, CPU of a message", "ms", sum(used.values()) / messages * 1000)
    return [whole, *((f"{loop}, CPU of {name}", "ms", seconds / messages * 1000) for name, seconds in used.items())]


async def _all_at_once(
    clients: Sequence[LightClient], side: Side, began: float, seconds: float, seed: int
) -> list[list[Point]]:
    async def loop(client: LightClient, partner: str) -> list[Point]:
        points: list[Point] = []
        while (at := time.perf_counter() - began) < seconds:
            points.append((at, await client.ask(partner, f"{side.question} {seed}.{len(points)}")))
        return points

    async with asyncio.TaskGroup() as group:
        loops = [group.create_task(loop(*pair)) for pair in zip(clients, side.closed, strict=True)]
    return [one.result() for one in loops]


def _points(asking: Crowd, wanted: set[str], began: float, name: str) -> list[Point]:
    points = []
    for message in asking.messages():
        if message.id not in wanted:
            continue
        if message.latency_ms is None:
            said = message.errors[0][2:] if message.errors else "nothing"
            raise NoAnswer(f"{name} answered {said} to {message.id}")
        points.append((message.scheduled - began, message.latency_ms))
    return sorted(points)


@asynccontextmanager
async def askers(closed: Sequence[Person], opened: Sequence[Person]) -> AsyncIterator[Askers]:
    """Everybody logged in. Two loops have people of their own, for a person hears all that is sent to them."""
    clients = await connected([one.login for one in closed])
    try:
        async with crowd([Member(one.login, one.agents) for one in opened], resend=False) as people:
            yield Askers(clients, people)
    finally:
        for client in clients:
            await client.disconnect()
