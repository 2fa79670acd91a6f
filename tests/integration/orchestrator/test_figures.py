"""What agents have stored and accounts have left is shown by id, up to the budget; the rest is one."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from prometheus_client import CollectorRegistry

from aiox.kernel.agent import AgentSpec, Profile
from aiox.runtime.logs import configure_logs
from orchestrator.figures import Figures
from policy.quota import DAY_S, MINUTE_S
from registry import figures
from tests.stores import Stores

LOG = configure_logs("test", "ERROR")
SPEC = AgentSpec(profile=Profile(name="Ada"))
DAY = datetime.fromisoformat("2033-05-06T07:08:09+00:00")
MUCH = 1 << 40
"""More than any other test stores."""


class HandClock:
    """A day that no other test counts in."""

    def now(self) -> datetime:
        return DAY

    def monotonic(self) -> float:
        return DAY.timestamp()


async def stored(stores: Stores, size: int) -> tuple[str, str]:
    actor = await stores.account()
    agent = await stores.agent(actor, SPEC)
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO agent_storage (agent_id, owner_user_id, bytes) VALUES ($1, $2, $3)"
            " ON CONFLICT (agent_id) DO UPDATE SET bytes = $3",
            agent, actor.owner, size,
        )  # fmt: skip
    return str(agent), str(actor.owner)


async def used(stores: Stores, owner: UUID, tokens: int) -> None:
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO quota_usage (scope_id, owner_user_id, minute, minute_tokens, day_tokens)"
            " VALUES ($1, $1, $2, $3, $3)",
            owner, int(DAY.timestamp()) // MINUTE_S, tokens,
        )  # fmt: skip


def shown(registry: CollectorRegistry, name: str) -> dict[tuple[str, ...], float]:
    [family] = [family for family in registry.collect() if family.name == name]
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


async def test_the_agents_that_store_most_are_named(stores: Stores) -> None:
    first, second = await stored(stores, 3 * MUCH), await stored(stores, 2 * MUCH)
    await stored(stores, MUCH)
    registry = CollectorRegistry()
    await Figures(stores.pools["orchestrator"], registry, 2, HandClock(), LOG).look()
    found = shown(registry, "aiox_memory_bytes")
    assert set(found) == {first, second, ("other", "other")}
    assert (found[first], found[second]) == (3 * MUCH, 2 * MUCH)
    assert found["other", "other"] >= MUCH


async def test_accounts_with_least_left_today_are_named(stores: Stores) -> None:
    spent, some = await stores.account(), await stores.account()
    await used(stores, spent.owner, 250_000)
    await used(stores, some.owner, 150_000)
    day = int(DAY.timestamp()) // DAY_S
    least = await figures.tokens_left(stores.pools["orchestrator"], day, 2)
    assert [(one.owner, one.tokens) for one in least[:2]] == [(spent.owner, 0), (some.owner, 50_000)]
    assert least[2].owner is None
    assert least[2].tokens > 50_000
    tomorrow = await figures.tokens_left(stores.pools["orchestrator"], day + 1, 100_000)
    assert {one.tokens for one in tomorrow if one.owner in (spent.owner, some.owner)} == {200_000}
