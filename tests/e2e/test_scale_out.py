"""Two orchestrators and two workers: every message is answered once, in its order, also when one of them is killed."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.e2e.database import superuser
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, Person, answer_to, body_of, online
from tests.stack import RunningHub, throw_away

PEOPLE = 6
EACH = 8
TAKEOVER_S = 5.0


@pytest.fixture(scope="module")
async def double() -> AsyncIterator[RunningHub]:
    async with throw_away() as running:
        await running.start("--no-demo", "--orchestrators", "2", "--workers", "2")
        yield running


async def holders(hub: RunningHub) -> dict[str, int]:
    """How many partitions each orchestrator holds now."""
    async with superuser(hub) as connection:
        rows = await connection.fetch(
            "SELECT holder, count(*) AS held FROM partition_leases WHERE expires_at > now() GROUP BY holder"
        )
    return {row["holder"]: row["held"] for row in rows}


async def test_both_hold_half_of_the_partitions(double: RunningHub) -> None:
    assert {"orchestrator", "orchestrator-2", "ai_worker", "ai_worker-2"} <= double.pids().keys()
    async with asyncio.timeout(10):
        while sorted((await holders(double)).values()) != [16, 16]:
            await asyncio.sleep(0.1)


async def talk(person: Person, agent: str) -> None:
    """Says numbers as fast as the receipts of the door allow, without waiting for the answers."""
    for number in range(EACH):
        person.say(agent, f"number {number}", message_id=f"n{number}")
        await asyncio.sleep(0.02)


async def order_in_store(hub: RunningHub, sender: str) -> list[str]:
    """Ids of the sender's messages in the order in which they had their outcome."""
    async with superuser(hub) as connection:
        rows = await connection.fetch(
            "SELECT message_id FROM inbox WHERE sender_jid = $1 ORDER BY created_at, admitted_at", sender
        )
    return [row["message_id"] for row in rows]


@pytest.mark.parametrize("victim", ["", "orchestrator", "ai_worker-2"])
async def test_many_conversations_keep_their_order_and_nothing_is_answered_twice(
    double: RunningHub, victim: str
) -> None:
    accounts = [await double.account(quota=ROOMY_ACCOUNT) for _ in range(PEOPLE)]
    agents = [(await double.agent(account, governance=ROOMY)).jid for account in accounts]
    async with AsyncExitStack() as open_clients:
        people = [await open_clients.enter_async_context(online(double, account)) for account in accounts]
        talking = asyncio.gather(*(talk(*pair) for pair in zip(people, agents, strict=True)))
        if victim:
            await asyncio.sleep(0.1)
            double.kill(victim)
        await talking
        for person, agent in zip(people, agents, strict=True):
            await answer_to(person, agent, "the last one")
        for person, account in zip(people, accounts, strict=True):
            asked = await order_in_store(double, account.jid)
            refused = {got.get("id") for got in person.got if got.get("type") == "error"}
            numbers = [int(one[1:]) for one in asked if one.startswith("n") and one[1:].isdigit()]
            assert numbers == sorted(set(numbers))
            assert {f"n{number}" for number in range(EACH)} - set(asked) <= refused
            answers = [got.get("id") for got in person.got if body_of(got)]
            assert len(answers) == len(set(answers))


async def test_a_killed_orchestrators_conversations_go_on_within_seconds(double: RunningHub) -> None:
    accounts = [await double.account(quota=ROOMY_ACCOUNT) for _ in range(4)]
    agents = [(await double.agent(account, governance=ROOMY)).jid for account in accounts]
    async with AsyncExitStack() as open_clients:
        people = [await open_clients.enter_async_context(online(double, account)) for account in accounts]
        double.kill("orchestrator-2")
        began = time.monotonic()
        await asyncio.gather(
            *(answer_to(person, agent, "still there?") for person, agent in zip(people, agents, strict=True))
        )
        took = time.monotonic() - began
    print(f"all answered {took:.1f} s after the kill")
    assert took < TAKEOVER_S + 1.0
