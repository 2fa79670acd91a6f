"""One look at all services: who answers, and the figures of each."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, get_args

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from aiox.cli.chat.screen import printable
from aiox.cli.stack.ports import ports_of
from aiox.cli.stack.services import health_port
from aiox.runtime.clock import Clock
from aiox.runtime.settings import Ports, Service, Settings

INSTANCES: Final = 10
"""So many of each service are looked for on this machine."""
_AWAY: Final = 2
"""Instances in a row that do not answer: whatever answers on ports behind them is taken for another hub's."""
_BUDGET: Final = aiohttp.ClientTimeout(total=2)
READY: Final = "ready"

Labels = Mapping[str, str]
Figure = tuple[str, Labels, float]
"""Name of a sample as it is exported, its labels, its value."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A service that answered. `state` is `ready`, or what it lacks."""

    service: Service
    instance: int
    state: str
    figures: Sequence[Figure] = ()

    @property
    def name(self) -> str:
        """As processes are named: `orchestrator`, `orchestrator-2`..."""
        return self.service if self.instance == 1 else f"{self.service}-{self.instance}"


@dataclass(frozen=True, slots=True)
class Look:
    """All that answered at one moment; `at` in monotonic seconds, `now` in seconds since 1970."""

    at: float
    now: float
    seen: Sequence[Seen] = field(default_factory=tuple)

    def figures(self, name: str, **labels: str) -> Iterable[tuple[Seen, Labels, float]]:
        """Samples of this name that carry these labels, from every service."""
        for seen in self.seen:
            for found, its, value in seen.figures:
                if found == name and all(its.get(key) == wanted for key, wanted in labels.items()):
                    yield seen, its, value

    def total(self, name: str, **labels: str) -> float:
        """Their sum."""
        return sum(value for _, _, value in self.figures(name, **labels))


async def look(session: aiohttp.ClientSession, settings: Settings, clock: Clock) -> Look:
    """Asks all services at once. Who does not answer within two seconds is not seen."""
    found = await asyncio.gather(*(_instances(session, settings.ports, service) for service in get_args(Service)))
    return Look(clock.monotonic(), clock.now().timestamp(), [seen for ours in found for seen in ours])


async def _instances(session: aiohttp.ClientSession, ports: Ports, service: Service) -> list[Seen]:
    numbers = range(1, INSTANCES + 1)
    asked = (_see(session, service, n, health_port(ports_of(service, ports, n), service)) for n in numbers)
    return ours(await asyncio.gather(*asked))


def ours(answers: Sequence[Seen | None]) -> list[Seen]:
    """Those that answered, by number from 1 on, up to a gap that no single death explains."""
    found: list[Seen] = []
    missed = 0
    for answer in answers:
        missed = 0 if answer is not None else missed + 1
        if missed == _AWAY:
            break
        if answer is not None:
            found.append(answer)
    return found


async def _see(session: aiohttp.ClientSession, service: Service, instance: int, port: int) -> Seen | None:
    try:
        async with session.get(f"http://127.0.0.1:{port}/readyz", timeout=_BUDGET) as answer:
            said, status = (await answer.text()).strip(), answer.status
        async with session.get(f"http://127.0.0.1:{port}/metrics", timeout=_BUDGET) as answer:
            text = await answer.text()
    except (aiohttp.ClientError, TimeoutError):
        return None
    return Seen(service, instance, READY if status == 200 else said, read(text))


def read(text: str) -> list[Figure]:
    """The samples of an exposition, their labels without what a terminal would obey: owners name models as they like.

    Raises ValueError for what is no exposition.
    """
    return [
        (sample.name, {name: printable(text) for name, text in sample.labels.items()}, sample.value)
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    ]
