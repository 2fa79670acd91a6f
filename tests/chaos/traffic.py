"""A hub under load: who talks, what is still open, and what the stores say in the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import asyncpg

from bench.load.crowd import Crowd, Member, crowd
from bench.load.plan import plan
from bench.people import Person, people
from bench.stub_model import StubModel, stub_model
from tests.chaos.checker import Violation, check
from tests.chaos.keeper import Keeper, kept_hub
from tests.chaos.readers import evidence, on_the_bus, unfinished

SETTLE_S = 90.0
"""After the last message: re-sending, sweeping and taking over all end well within it."""


@dataclass(frozen=True)
class Traffic:
    """A running hub, its model, and the people who talk to it."""

    keeper: Keeper
    model: StubModel
    people: Sequence[Person]
    crowd: Crowd
    seed: int

    async def volley(self, number: int, messages: int, seconds: float, word: str = "question") -> None:
        """Sends so many messages, spread at random over all conversations and over so many seconds."""
        agents = len(self.people[0].agents)
        planned = plan(self.seed, messages, seconds, len(self.people), agents, number * messages, word)
        await self.crowd.follow(planned)

    async def settled(self, seconds: float = SETTLE_S) -> bool:
        """Waits until everything sent is receipted and has its outcome, no reply waits, and the bus is empty.

        False when time is up.
        """
        if not await self.crowd.receipted(seconds):
            return False
        until = asyncio.get_running_loop().time() + seconds
        while asyncio.get_running_loop().time() < until:
            if await self.open_work() == (0, 0) and not await on_the_bus(self.keeper.home, self.keeper.settings):
                return True
            await asyncio.sleep(0.2)
        return False

    async def open_work(self) -> tuple[int, int]:
        """Receipted messages without an outcome, and unconfirmed replies. (1, 1) while PostgreSQL is away."""
        try:
            return await unfinished(self.keeper.home, self.keeper.settings, self.crowd.messages())
        except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            return 1, 1

    async def violations(self) -> list[Violation]:
        """What the stores say against the claims."""
        owners = [person.owner for person in self.people]
        found = await evidence(self.keeper.home, self.keeper.settings, self.crowd.messages(), owners)
        return check(found)


@asynccontextmanager
async def traffic(
    seed: int, clients: int, conversations: int, latency_ms: float = 50, **limits: int
) -> AsyncIterator[Traffic]:
    """A hub of its own with `clients` people online, who have so many conversations together."""
    async with (
        stub_model(latency_ms=latency_ms, keep_requests=False) as model,
        kept_hub(model.url, Keeper.start, **limits) as keeper,
        joined(keeper, model, seed, clients, conversations) as running,
    ):
        yield running


@asynccontextmanager
async def joined(
    keeper: Keeper,
    model: StubModel,
    seed: int,
    clients: int,
    conversations: int,
    name: str = "load",
    hosts: Sequence[str] = ("127.0.0.1",),
    **agent: object,
) -> AsyncIterator[Traffic]:
    """More people on a hub that runs, one after the other at another of `hosts`; `agent` has more of their agents."""
    made = await people(keeper.home, keeper.settings, clients, conversations // clients, name, **agent)
    around = [tuple(hosts[(number + each) % len(hosts)] for each in range(len(hosts))) for number in range(len(made))]
    members = [Member(replace(one.login, hosts=at), one.agents) for one, at in zip(made, around, strict=True)]
    async with crowd(members) as together:
        yield Traffic(keeper, model, made, together, seed)
