"""People of a hub who talk to an agent at an even pace, and how long each answer takes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from tests.e2e.people import ROOMY_ACCOUNT, Person, answer_to, online
from tests.stack import RunningHub

EVERY_S = 3.2
"""Each speaks so often: within what one person may send in a minute."""


ROOMY_FOR_LONG = {**ROOMY_ACCOUNT, "tokens_per_day": 100_000_000}


class LocalPeople:
    """Logged in, and asked to talk for a while, again and again."""

    def __init__(self, people: Sequence[Person], agent: str) -> None:
        self._people = people
        self._agent = agent

    async def talk(self, rounds: int) -> list[float]:
        """Each says so many things; the times of the answers, in milliseconds."""
        step = EVERY_S / len(self._people)
        found = await asyncio.gather(*(self._one(one, n * step, rounds) for n, one in enumerate(self._people)))
        return [took for one in found for took in one]

    async def _one(self, person: Person, wait_s: float, rounds: int) -> list[float]:
        took: list[float] = []
        for number in range(rounds):
            await asyncio.sleep(wait_s if number == 0 else max(0.0, EVERY_S - took[-1] / 1000))
            began = time.monotonic()
            assert await answer_to(person, self._agent, "And now?")
            took.append((time.monotonic() - began) * 1000)
            person.got.clear()
        return took


@asynccontextmanager
async def local_people(hub: RunningHub, agent: str, count: int) -> AsyncIterator[LocalPeople]:
    """So many of them, new ones."""
    async with AsyncExitStack() as stack:
        people = [
            await stack.enter_async_context(online(hub, await hub.account(quota=ROOMY_FOR_LONG))) for _ in range(count)
        ]
        yield LocalPeople(people, agent)


def p95(values: Sequence[float]) -> float:
    """The value that 95 of 100 do not exceed."""
    return sorted(values)[max(0, round(len(values) * 0.95) - 1)]
