"""Budgets that many share, in a real Redis: never past the limit whoever asks, and nothing spent twice by a clock."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from aiox.cli.stack import redis as redis_part
from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.runtime.clock import SystemClock
from aiox.runtime.redis import connect
from policy.quota import DAY_S, Exceeded, Reservation, Unit, Window, reserve
from registry.quota_memory import Books, QuotaMemory
from registry.quotas import AtOnce, Conversation, Limit, Quotas, QuotaUnavailable, Request, Reserved
from tests.contract.registry.test_quotas import LEASE_MS, NOW_MS, memory
from tests.stack import Place, new_place

__all__ = ["memory"]
PLENTY = 10**9


class Group:
    """Owners with budgets of their own that are plenty, and one that they share."""

    def __init__(self, redis: Redis, tokens: int | None, turns: int | None = None) -> None:
        self.quotas, self.scope = Quotas(redis, f"test-{uuid4()}"), uuid4()
        self.tokens, self.turns = tokens, turns
        self.conversations: dict[UUID, Conversation] = {}
        self.at_once = asyncio.Semaphore(16)

    async def ask(
        self, input_tokens: int, max_tokens: int, turn: TurnId | None = None, now_ms: int = NOW_MS
    ) -> Reserved | Exceeded:
        """By an owner who has never asked before."""
        turn, owner = turn or TurnId(uuid4()), OwnerId(uuid4())
        self.conversations[turn] = Conversation(owner, AgentId(uuid4()), "ada@localhost", 0)
        limits = [Limit("account", owner, PLENTY, DAY_S), Limit("organisation", self.scope, self.tokens, DAY_S)]
        at_once = [AtOnce("account", owner, 1000), AtOnce("organisation", self.scope, self.turns)]
        request = Request(turn, input_tokens, max_tokens, limits, at_once, now_ms, LEASE_MS)
        async with self.at_once:
            return await self.quotas.reserve(self.conversations[turn], request)

    async def settle(self, turn: TurnId, used: int) -> None:
        await self.quotas.settle(self.conversations[turn], turn, used, b"")


async def test_many_owners_at_once_never_pass_what_they_share(memory: Redis) -> None:
    group, turns = Group(memory, 1000), [TurnId(uuid4()) for _ in range(200)]
    found = await asyncio.gather(*(group.ask(10, 20, turn) for turn in turns))
    held = [one.reservation.tokens for one in found if isinstance(one, Reserved)]
    assert sum(held) <= 1000
    assert len(held) in (33, 34)
    refused = next(one for one in found if isinstance(one, Exceeded))
    assert (refused.window, refused.limit) == ("organisation", 1000)
    assert 0 < refused.resets_in_s <= DAY_S
    for turn, one in zip(turns, found, strict=True):
        if isinstance(one, Reserved):
            await group.settle(turn, 1)
    left = await group.ask(0, PLENTY)
    assert isinstance(left, Reserved)
    assert left.reservation.tokens == 1000 - len(held), "exact afterwards"


@pytest.mark.control
async def test_control_without_the_shared_window_they_pass_it(memory: Redis) -> None:
    group = Group(memory, None)
    found = await asyncio.gather(*(group.ask(10, 20) for _ in range(200)))
    assert sum(one.reservation.tokens for one in found if isinstance(one, Reserved)) > 1000


async def test_script_and_policy_agree_where_some_windows_have_no_limit(memory: Redis) -> None:
    chance = random.Random(11)
    for _ in range(40):
        owner, turn = OwnerId(uuid4()), TurnId(uuid4())
        drawn = [None if chance.random() < 0.4 else chance.randint(1, 2000) for _ in range(4)]
        limits = [Limit(f"window {n}", uuid4(), limit, 60) for n, limit in enumerate(drawn)]
        input_tokens, max_tokens = chance.randint(0, 900), chance.randint(1, 900)
        known = [Window(f"window {n}", limit, 0, 60) for n, limit in enumerate(drawn) if limit is not None]
        request = Request(turn, input_tokens, max_tokens, limits, [], NOW_MS, LEASE_MS)
        found = await Quotas(memory, "me").reserve(Conversation(owner, AgentId(owner), "a@b", 0), request)
        said = found.reservation if isinstance(found, Reserved) else found
        assert said == reserve(input_tokens, max_tokens, known)


async def test_a_limit_that_is_set_later_knows_what_was_used_before(memory: Redis) -> None:
    group, turn = Group(memory, None), TurnId(uuid4())
    assert isinstance(await group.ask(100, 400, turn), Reserved)
    await group.settle(turn, 300)
    group.tokens = 500
    found = await group.ask(10, PLENTY)
    assert isinstance(found, Reserved)
    assert found.reservation == Reservation(200, 10)


async def test_turns_at_once_are_counted_over_all_owners(memory: Redis) -> None:
    group, first = Group(memory, None, turns=2), TurnId(uuid4())
    assert isinstance(await group.ask(1, 1, first), Reserved)
    assert isinstance(await group.ask(1, 1), Reserved)
    assert await group.ask(1, 1) == Exceeded("organisation", 2, 0, Unit.TURNS)
    await group.settle(first, 1)
    assert isinstance(await group.ask(1, 1), Reserved)


async def test_what_a_dead_one_held_is_given_back_to_the_others_when_its_lease_ends(memory: Redis) -> None:
    group = Group(memory, 100)
    assert isinstance(await group.ask(40, 60), Reserved)
    assert isinstance(await group.ask(1, 1, now_ms=NOW_MS + LEASE_MS - 1), Exceeded)
    found = await group.ask(40, 60, now_ms=NOW_MS + LEASE_MS + 1)
    assert isinstance(found, Reserved)
    assert found.reservation == Reservation(100, 40)


@pytest.fixture
async def alone(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Redis]:
    """A Redis of its own: a clock that jumps is everybody's trouble."""
    place: Place = new_place(tmp_path_factory.mktemp("aiox-test-"))
    process = await redis_part.start(place.home, place.settings.ports.redis)
    client = connect(place.settings, place.home.secrets("orchestrator"), "orchestrator")
    try:
        await QuotaMemory(client, Quotas(client, "first"), _nobody, _no_books, SystemClock()).check()
        yield client
    finally:
        await client.aclose()
        await process.stop()


async def _nobody() -> set[str]:
    return set()


async def _no_books(_turns: object) -> Books:
    return Books([], [])


DAY_MS = DAY_S * 1000


async def test_a_clock_that_went_back_finds_no_fresh_budget(alone: Redis) -> None:
    group, turn = Group(alone, 100), TurnId(uuid4())
    assert isinstance(await group.ask(40, 60, turn), Reserved)
    await group.settle(turn, 100)
    assert isinstance(await group.ask(1, 1), Exceeded)
    for back_ms in (DAY_MS, 3_600_000, 121_000):
        with pytest.raises(QuotaUnavailable, match="clock is"):
            await group.ask(1, 1, now_ms=NOW_MS - back_ms)
    assert isinstance(await group.ask(1, 1, now_ms=NOW_MS - 5_000), Exceeded), "clocks may differ a little"
    assert isinstance(await group.ask(1, 1, now_ms=NOW_MS + DAY_MS), Reserved), "and another day has another budget"


@pytest.mark.control
async def test_control_without_the_mark_yesterdays_budget_is_spent_again(alone: Redis) -> None:
    group, turn = Group(alone, 100), TurnId(uuid4())
    await group.ask(40, 60, turn)
    await group.settle(turn, 100)
    run = str((await alone.info("server"))["run_id"])
    assert await alone.delete(f"quota:{run[:12]}:now")
    assert isinstance(await group.ask(40, 60, now_ms=NOW_MS - DAY_MS), Reserved)
