"""The script in Redis does the sum of policy/quota.py, atomically: never admitted past a limit, exact afterwards."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import pytest
from redis.asyncio import Redis

from aiox.kernel.ids import AgentId, OwnerId, TurnId
from aiox.runtime.clock import SystemClock
from aiox.runtime.redis import connect
from policy.quota import Exceeded, Reservation, Slots, Unit, Window, refusal, reserve
from registry.quota_memory import Books, QuotaMemory
from registry.quotas import AtOnce, Conversation, Limit, Quotas, Rate, Request, Reserved
from registry.rates import Rates, rate_key
from tests.stack import Place

NOW_MS = 1_800_000_000_000
LEASE_MS = 60_000


async def _no_books(_turns: object) -> Books:
    return Books([], [])


async def _only_me() -> set[str]:
    return set()


class Budget:
    """One account's budget in a real Redis, as one orchestrator sees it."""

    def __init__(self, memory: Redis, tokens: int, turns: int = 1000, agent_turns: int = 1000) -> None:
        self.quotas = Quotas(memory, f"test-{uuid4()}")
        self.conversation = Conversation(OwnerId(uuid4()), AgentId(uuid4()), "ada@localhost", 0)
        self.limits = [Limit("minute", self.conversation.owner, tokens, 60)]
        self.turns, self.agent_turns = turns, agent_turns

    async def ask(
        self,
        input_tokens: int,
        max_tokens: int,
        turn: TurnId | None = None,
        now_ms: int = NOW_MS,
        spent: int = 0,
        by: Quotas | None = None,
        agent: AgentId | None = None,
    ) -> Reservation | Exceeded:
        agent = agent or self.conversation.agent
        at_once = [
            AtOnce("account", self.conversation.owner, self.turns),
            AtOnce("agent", agent, self.agent_turns),
        ]
        request = Request(
            turn or TurnId(uuid4()), input_tokens, max_tokens, self.limits, at_once, now_ms, LEASE_MS, spent
        )
        found = await (by or self.quotas).reserve(self.conversation, request)
        return found.reservation if isinstance(found, Reserved) else found

    async def settle(self, turn: TurnId, used: int, by: Quotas | None = None) -> bool:
        return await (by or self.quotas).settle(self.conversation, turn, used, b"")

    async def left(self) -> int:
        """Tokens of the window that nobody has used or reserved."""
        found = await self.ask(0, 10**9, TurnId(uuid4()))
        if isinstance(found, Exceeded):
            return 0
        await self.settle(next(reversed(self.quotas.open)), 0)  # type: ignore[arg-type]
        return found.tokens


@pytest.fixture
async def memory(redis: Place) -> AsyncIterator[Redis]:
    client = connect(redis.settings, redis.home.secrets("orchestrator"), "orchestrator")
    await QuotaMemory(client, Quotas(client, "first"), _only_me, _no_books, SystemClock()).check()
    yield client
    await client.aclose()


async def test_script_and_policy_agree(memory: Redis) -> None:
    chance = random.Random(7)
    for _ in range(60):
        limit, turns = chance.randint(1, 2000), chance.randint(2, 5)
        budget, used, taken = Budget(memory, limit, turns), 0, 0
        for _ in range(4):
            input_tokens, max_tokens, spent = chance.randint(0, 900), chance.randint(1, 900), chance.randint(0, 50)
            expected = reserve(
                input_tokens,
                max_tokens,
                [Window("minute", limit, used, 60)],
                [Slots("account", turns, taken)],
                spent,
            )
            found = await budget.ask(input_tokens, max_tokens, spent=spent)
            assert found == expected
            used += spent + (found.tokens if isinstance(found, Reservation) else 0)
            taken += isinstance(found, Reservation)


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
    assert await budget.left() == 1000 - len(held)


async def test_a_turn_that_asks_again_holds_one_reservation(memory: Redis) -> None:
    budget, turn = Budget(memory, 100), TurnId(uuid4())
    for _ in range(5):
        assert await budget.ask(40, 10, turn) == Reservation(50, 40)
    assert await budget.ask(10, 100) == Reservation(50, 10)


async def test_a_reservation_whose_lease_ran_out_is_given_back(memory: Redis) -> None:
    budget = Budget(memory, 100)
    assert await budget.ask(40, 60) == Reservation(100, 40)
    assert isinstance(await budget.ask(1, 1), Exceeded)
    again = await budget.ask(40, 60, now_ms=NOW_MS + LEASE_MS - 1)
    assert isinstance(again, Exceeded)
    budget.limits = [Limit("day", budget.conversation.owner, 100, 86_400)]
    turn = TurnId(uuid4())
    assert await budget.ask(40, 60, turn) == Reservation(100, 40)
    assert await budget.ask(40, 60, now_ms=NOW_MS + LEASE_MS + 1) == Reservation(100, 40)


async def test_what_was_cut_off_before_stays_booked(memory: Redis) -> None:
    budget, turn = Budget(memory, 1000), TurnId(uuid4())
    assert await budget.ask(40, 60, turn) == Reservation(100, 40)
    assert await budget.ask(50, 60, turn, spent=43) == Reservation(110, 50, 43)  # one more message joined
    assert await budget.left() == 1000 - 153
    await budget.settle(turn, 43 + 70)
    assert await budget.left() == 1000 - 113


async def test_after_a_crash_the_next_owner_carries_the_input_of_the_dead_one(memory: Redis) -> None:
    budget, turn, other = Budget(memory, 1000), TurnId(uuid4()), Quotas(memory, "the other")
    await budget.ask(40, 60, turn)
    assert await budget.ask(40, 60, turn, by=other) == Reservation(100, 40, 40)
    assert not await budget.settle(turn, 55)  # the dead one was only slow: its token is stale, its word too
    assert await budget.left() == 1000 - 140
    await budget.settle(turn, 40 + 70, by=other)
    assert await budget.left() == 1000 - 110


async def test_after_a_crash_behind_the_settlement_both_attempts_are_paid(memory: Redis) -> None:
    budget, turn, other = Budget(memory, 1000), TurnId(uuid4()), Quotas(memory, "the other")
    await budget.ask(40, 60, turn)
    assert await budget.settle(turn, 70)
    assert await budget.settle(turn, 70)  # the commit failed, and the step is done again
    assert await budget.left() == 1000 - 70
    assert await budget.ask(40, 60, turn, by=other) == Reservation(100, 40, 70)
    await budget.settle(turn, 70 + 80, by=other)
    assert await budget.left() == 1000 - 150


async def test_what_a_provider_counts_above_the_reservation_is_debt(memory: Redis) -> None:
    budget, turn = Budget(memory, 100), TurnId(uuid4())
    await budget.ask(40, 10, turn)
    await budget.settle(turn, 130)
    assert await budget.ask(1, 1) == Exceeded("minute", 100, 60)


async def test_turns_at_once_are_counted_for_account_and_agent_apart(memory: Redis) -> None:
    budget, other = Budget(memory, 10**6, turns=3, agent_turns=2), AgentId(uuid4())
    first, second, third = (TurnId(uuid4()) for _ in range(3))
    assert isinstance(await budget.ask(1, 1, first), Reservation)
    assert isinstance(await budget.ask(1, 1, second), Reservation)
    assert await budget.ask(1, 1) == Exceeded("agent", 2, 0, Unit.TURNS)
    assert isinstance(await budget.ask(1, 1, third, agent=other), Reservation)
    assert await budget.ask(1, 1, agent=other) == Exceeded("account", 3, 0, Unit.TURNS)
    assert isinstance(await budget.ask(1, 1, second), Reservation)  # a turn that asks again is not in its own way
    await budget.settle(first, 1)
    assert isinstance(await budget.ask(1, 1), Reservation)


async def test_a_conversation_that_redis_does_not_know_is_said_to_be_missing_and_can_be_put_back(memory: Redis) -> None:
    quotas, owner, agent = Quotas(memory, f"test-{uuid4()}"), OwnerId(uuid4()), AgentId(uuid4())
    conversation = Conversation(owner, agent, "ada@localhost", 3)

    async def asked() -> Reserved:
        request = Request(TurnId(uuid4()), 1, 10, [Limit("minute", owner, 1000, 60)], [], NOW_MS, LEASE_MS)
        found = await quotas.reserve(conversation, request)
        assert isinstance(found, Reserved)
        return found

    assert (await asked()).history_missing
    entries = [bytes([number]) * 17 for number in range(3)]
    assert await quotas.remember(conversation, entries)
    assert not await quotas.remember(conversation, [b"another" * 3]), "what is there is not overwritten"
    found = await asked()
    assert (found.entries, found.history_missing) == (tuple(entries), False)
    assert 0 < await memory.ttl(conversation.history_key) <= 7 * 24 * 3600
    await quotas.settle(conversation, TurnId(uuid4()), 5, b"n" * 17)
    assert (await asked()).entries == (*entries[1:], b"n" * 17)


async def test_of_an_agent_without_short_term_memory_nothing_is_missing(memory: Redis) -> None:
    quotas, owner = Quotas(memory, f"test-{uuid4()}"), OwnerId(uuid4())
    request = Request(TurnId(uuid4()), 1, 10, [Limit("minute", owner, 1000, 60)], [], NOW_MS, LEASE_MS)
    found = await quotas.reserve(Conversation(owner, AgentId(uuid4()), "ada@localhost", 0), request)
    assert isinstance(found, Reserved)
    assert not found.history_missing


def _messages(*messages: UUID, limit: int, key: str) -> Rate:
    return Rate(key, limit, 60, messages)


async def _say(quotas: Quotas, rate: Rate, turn: TurnId | None = None) -> Reserved | Exceeded:
    owner = OwnerId(uuid4())
    request = Request(
        turn or TurnId(uuid4()), 1, 10, [Limit("minute", owner, 1000, 60)], [], NOW_MS, LEASE_MS, rate=rate
    )
    return await quotas.reserve(Conversation(owner, AgentId(uuid4()), "ada@localhost", 0), request)


async def test_messages_of_a_person_are_counted_with_those_of_the_other_door(memory: Redis) -> None:
    quotas, who = Quotas(memory, f"test-{uuid4()}"), f"{uuid4()}@localhost"
    key = rate_key("agent.invoke", who)
    for _ in range(2):
        await Rates(memory).count("agent.invoke", who, 4)
    for _ in range(2):
        assert isinstance(await _say(quotas, _messages(uuid4(), limit=4, key=key)), Reserved)
    refused = await _say(quotas, _messages(uuid4(), limit=4, key=key))
    assert isinstance(refused, Exceeded)
    assert (refused.unit, refused.limit) == (Unit.MESSAGES, 4)
    assert 0 < refused.resets_in_s <= 60
    assert "4 messages (each person, per minute)" in refusal(refused)
    assert (await Rates(memory).count("agent.invoke", who, 4)).left < 0
    assert isinstance(await _say(quotas, _messages(uuid4(), limit=4, key=rate_key("agent.invoke", "other"))), Reserved)


async def test_a_message_counts_once_however_often_its_turn_asks(memory: Redis) -> None:
    quotas, key, first, second = Quotas(memory, f"test-{uuid4()}"), rate_key("a", str(uuid4())), uuid4(), uuid4()
    for _ in range(3):
        assert isinstance(await _say(quotas, _messages(first, limit=2, key=key), TurnId(first)), Reserved)
    assert isinstance(await _say(quotas, _messages(first, second, limit=2, key=key), TurnId(first)), Reserved)
    late = uuid4()
    for _ in range(2):
        assert isinstance(await _say(quotas, _messages(late, limit=2, key=key)), Exceeded), "and it stays refused"
    assert await memory.get(key) == b"3"


@pytest.mark.control
async def test_without_a_rate_nobody_is_refused_for_it(memory: Redis) -> None:
    quotas, key = Quotas(memory, f"test-{uuid4()}"), rate_key("a", str(uuid4()))
    owner = OwnerId(uuid4())
    for _ in range(5):
        request = Request(TurnId(uuid4()), 1, 10, [Limit("minute", owner, 1000, 60)], [], NOW_MS, LEASE_MS)
        found = await quotas.reserve(Conversation(owner, AgentId(uuid4()), "ada@localhost", 0), request)
        assert isinstance(found, Reserved)
    assert not await memory.exists(key)
