"""The script in Redis does the sum of policy/quota.py, atomically: never admitted past a limit, exact afterwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from redis.asyncio import Redis

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.runtime.redis import connect
from policy.quota import Exceeded, Reservation, Window, reserve
from registry.quotas import Conversation, Limit, Quotas, Reserved
from tests.stack import Place

NOW_MS = 1_800_000_000_000
LEASE_MS = 60_000


class Budget:
    """One account's budget in a real Redis."""

    def __init__(self, memory: Redis, tokens: int) -> None:
        self.quotas = Quotas(memory)
        self.conversation = Conversation(OwnerId(uuid4()), AgentId(uuid4()), "ada@localhost", 0)
        self.limits = [Limit("minute", self.conversation.owner, tokens, 60)]

    async def ask(
        self, input_tokens: int, max_tokens: int, turn: TurnId | None = None, now_ms: int = NOW_MS
    ) -> Reservation | Exceeded:
        turn = turn or TurnId(uuid4())
        found = await self.quotas.reserve(
            self.conversation, turn, input_tokens, max_tokens, 1000, self.limits, now_ms, LEASE_MS
        )
        return found.reservation if isinstance(found, Reserved) else found

    async def settle(self, turn: TurnId, used: int) -> bool:
        return await self.quotas.settle(self.conversation, turn, used, b"")


@pytest.fixture
async def memory(redis: Place) -> AsyncIterator[Redis]:
    client = connect(redis.settings, redis.home.secrets("orchestrator"), "orchestrator")
    yield client
    await client.aclose()


async def test_script_and_policy_agree(memory: Redis) -> None:
    chance = random.Random(7)
    for _ in range(60):
        limit = chance.randint(1, 2000)
        budget, used = Budget(memory, limit), 0
        for _ in range(4):
            input_tokens, max_tokens = chance.randint(0, 900), chance.randint(1, 900)
            expected = reserve(input_tokens, max_tokens, [Window("minute", limit, used, 60)])
            found = await budget.ask(input_tokens, max_tokens)
            assert type(found) is type(expected)
            if isinstance(found, Reservation):
                assert found == expected
                used += found.tokens


async def test_parallel_reservations_never_pass_the_limit_and_settle_exactly(memory: Redis) -> None:
    budget = Budget(memory, 1000)
    turns = [TurnId(uuid4()) for _ in range(200)]
    at_once = asyncio.Semaphore(16)

    async def ask(turn: TurnId) -> Reservation | Exceeded:
        async with at_once:
            return await budget.ask(10, 20, turn)

    found = await asyncio.gather(*(ask(turn) for turn in turns))
    held = [result.tokens for result in found if isinstance(result, Reservation)]
    assert sum(held) <= 1000
    assert len(held) in (33, 34)  # 33 of 30 tokens, and what is left may hold one capped call
    assert [await budget.settle(turn, 1) for turn in turns] == [isinstance(result, Reservation) for result in found]
    left = await budget.ask(0, 5000)
    assert isinstance(left, Reservation)
    assert left.tokens == 1000 - len(held)


async def test_a_turn_that_asks_again_holds_one_reservation(memory: Redis) -> None:
    budget, turn = Budget(memory, 100), TurnId(uuid4())
    for _ in range(5):
        assert await budget.ask(40, 10, turn) == Reservation(50, 40)
    assert await budget.ask(10, 100) == Reservation(50, 10)


async def test_a_reservation_whose_lease_ran_out_is_given_back(memory: Redis) -> None:
    budget = Budget(memory, 100)
    assert await budget.ask(40, 60) == Reservation(100, 40)
    assert isinstance(await budget.ask(1, 1), Exceeded)
    again = await budget.ask(40, 60, now_ms=NOW_MS + LEASE_MS + 1)
    assert again == Reservation(100, 40)
