"""A hub is brought to a newer version while people talk and programs call (docs/upgrading.md).

Nothing is lost, nothing answered twice, and no call fails beyond the retries that the page tells of.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from aiox.cli.stack.ports import PORT_STEP
from aiox.cli.stack.processes import Process
from aiox.runtime.settings import Service
from bench.load.crowd import Member, crowd
from bench.stub_model import stub_model
from setup.prove import note
from tests.architecture.house import TOP
from tests.chaos.checker import summary
from tests.chaos.keeper import Keeper, kept_hub
from tests.chaos.traffic import Traffic
from tests.e2e.callers import Caller, calling
from tests.e2e.older import begun_in, migrated, next_version, people_of, started_in, tree_of

FROM: Final = "UPGRADE_FROM"
"""Environment variable: the commit that is upgraded. Without it, the one that docs/upgrading.md names."""
NAMED: Final = "07c3be7"
"""In docs/upgrading.md: federation was closed with it."""
ORDER: Final[tuple[Service, ...]] = ("ai_worker", "orchestrator", "component")
GATEWAYS: Final = 2
PAUSE_S: Final = 5.0
SEED, PEOPLE, AGENTS = 7, 8, 5
LIMITS: Final = {"agents_per_minute": 10**6}


@dataclass
class Doors:
    """The gateways, beside what the keeper keeps: a caller goes from one to the other."""

    keeper: Keeper
    running: list[Process]

    @property
    def urls(self) -> list[str]:
        port = self.keeper.settings.ports.gateway
        return [f"http://127.0.0.1:{port + PORT_STEP * number}" for number in range(GATEWAYS)]

    async def exchange(self, tree: Path) -> None:
        """One after the other."""
        for number in range(GATEWAYS):
            await self.running[number].stop()
            self.running[number] = await started_in(self.keeper, tree, "gateway", number + 1)()


@asynccontextmanager
async def doors(keeper: Keeper, tree: Path) -> AsyncIterator[Doors]:
    started = [await started_in(keeper, tree, "gateway", number + 1)() for number in range(GATEWAYS)]
    found = Doors(keeper, started)
    try:
        yield found
    finally:
        for process in found.running:
            await process.stop()


@asynccontextmanager
async def in_use(old: Path, begin: Callable[[Keeper], Awaitable[None]]) -> AsyncIterator[tuple[Traffic, Doors, Caller]]:
    """A hub of the old tree's code, with people and a program."""
    async with (
        stub_model(latency_ms=50, keep_requests=False) as model,
        kept_hub(model.url, begin, **LIMITS) as keeper,
        doors(keeper, old) as gateways,
    ):
        made = await people_of(keeper, old, PEOPLE, AGENTS, "load")
        program = (await people_of(keeper, old, 1, 1, "program"))[0]
        agent = program.agent.partition("@")[0].removeprefix("agent-")
        async with (
            crowd([Member(one.login, one.agents) for one in made]) as together,
            calling(gateways.urls, "program0@example.org", program.login.password, agent) as caller,
        ):
            yield Traffic(keeper, model, made, together, SEED), gateways, caller


async def upgrade(running: Traffic, gateways: Doors, new: Path) -> str:
    """As docs/upgrading.md says: the schema first, then workers, orchestrators, doors."""
    keeper = running.keeper
    await asyncio.sleep(PAUSE_S)
    said = await migrated(keeper, new)
    for service in ORDER:
        await asyncio.sleep(PAUSE_S)
        keeper.always(service, started_in(keeper, new, service))
        await keeper.replace(service)
    await gateways.exchange(new)
    return said.strip()


@pytest.mark.prove
@pytest.mark.timeout(0)
@pytest.mark.parametrize("way", ["from an older commit", "to a next revision"])
async def test_upgrade_with_traffic_loses_nothing(tmp_path: Path, way: str) -> None:
    commit = os.environ.get(FROM, NAMED) if way == "from an older commit" else ""
    old = tree_of(commit, tmp_path / "old") if commit else TOP
    new = TOP if commit else next_version(tmp_path / "new")
    async with in_use(old, begun_in(old)) as (running, gateways, caller):
        calling_on = asyncio.create_task(caller.work())
        talking = asyncio.create_task(running.volley(0, messages=600, seconds=60))
        said = await upgrade(running, gateways, new)
        await talking
        calling_on.cancel()
        await asyncio.gather(calling_on, return_exceptions=True)
        await running.volley(1, messages=100, seconds=5)
        ended = await caller.ended(60)
        settled = await running.settled()
        violations = await running.violations()
        messages = len(running.crowd.messages())
    note(
        f"upgrade {way} {commit}: {said} {messages} messages, {len(violations)} violations;"
        f" {caller.calls} calls, {caller.again} tried again, {len(caller.failed)} failed, {len(caller.asked)} asked"
    )
    assert not violations, summary(violations)
    assert settled
    assert running.keeper.surprises == []
    assert messages == 700
    assert ended
    assert caller.failed == []
    assert len(caller.asked) > 20
