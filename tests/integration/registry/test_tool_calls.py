"""Tool calls on record: once, under a lease that holds, and how they ended once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest

from aiox.commands.hub import Actor
from aiox.kernel.ids import AgentId, TurnId
from aiox.kernel.tools import call_id
from policy.ledger import Record
from registry import tool_calls
from registry.tool_calls import AlreadyStarted, CallState, NewCall, TooOften
from registry.turns import LeaseLost, find_turn
from tests.stores import NOW, Stores

PARTITION = 31


async def fence(stores: Stores) -> int:
    async with stores.superuser() as connection:
        token: int = await connection.fetchval("SELECT token FROM partition_leases WHERE partition = $1", PARTITION)
    return token


def record(owner: Actor, event: str) -> Record:
    return Record(uuid4(), owner.owner, event, "info", {}, NOW, owner.jid)


def new_call(owner: Actor, agent: AgentId, turns: Sequence[TurnId]) -> NewCall:
    return NewCall(call_id(turns[0], 0), owner.owner, agent, turns[0], turns, "append_line", b"digest", NOW)


async def test_a_call_is_on_record_once_and_ends_once(stores: Stores) -> None:
    pool, owner = stores.pools["orchestrator"], await stores.account()
    agent = await stores.agent(owner)
    turns = [TurnId(uuid4()), TurnId(uuid4())]
    call = new_call(owner, agent, turns)
    assert not (await find_turn(pool, agent, owner.jid, turns[0])).called
    await tool_calls.start(pool, PARTITION, await fence(stores), call, record(owner, "tool.started"))
    with pytest.raises(AlreadyStarted):
        await tool_calls.start(pool, PARTITION, await fence(stores), call, record(owner, "tool.started"))
    for turn in turns:  # whichever of its messages comes again
        assert (await find_turn(pool, agent, owner.jid, turn)).called
        (found,) = await tool_calls.list_of_turn(pool, owner.owner, turn)
        assert (found.id, found.tool, found.state) == (call.id, "append_line", CallState.STARTED)
    assert await tool_calls.end(pool, call.id, CallState.UNKNOWN, record(owner, "tool.done"))
    assert not await tool_calls.end(pool, call.id, CallState.DONE, record(owner, "tool.done"), result_digest=b"late")
    (found,) = await tool_calls.list_of_turn(pool, owner.owner, turns[0])
    assert found.state is CallState.UNKNOWN
    async with stores.superuser() as connection:
        events = await connection.fetch(
            "SELECT event_type FROM audit_logs WHERE owner_user_id = $1 ORDER BY seq", owner.owner
        )
    assert [row["event_type"] for row in events] == ["tool.started", "tool.done"]


async def test_nothing_starts_under_a_lost_lease_or_after_the_outcome(stores: Stores) -> None:
    pool, owner = stores.pools["orchestrator"], await stores.account()
    agent, turn = await stores.agent(owner), TurnId(uuid4())
    call = new_call(owner, agent, [turn])
    with pytest.raises(LeaseLost):
        await tool_calls.start(pool, PARTITION, await fence(stores) + 1, call, record(owner, "tool.started"))
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO inbox (turn_id, owner_user_id, agent_id, sender_jid, message_id, outcome, correlation_id,"
            " admitted_at, created_at) VALUES ($1, $2, $3, $4, 'm', 'answered', $1, now(), now())",
            turn,
            owner.owner,
            agent,
            owner.jid,
        )
    shared = replace(call, turns=[TurnId(uuid4()), turn])
    with pytest.raises(AlreadyStarted):
        await tool_calls.start(pool, PARTITION, await fence(stores), shared, record(owner, "tool.started"))
    assert await tool_calls.list_of_turn(pool, owner.owner, turn) == []


async def test_no_more_calls_of_a_tool_start_in_a_minute_than_may_also_side_by_side(stores: Stores) -> None:
    pool, owner = stores.pools["orchestrator"], await stores.account()
    agent, token = await stores.agent(owner), await fence(stores)

    async def one(later: timedelta = timedelta()) -> bool:
        call = replace(new_call(owner, agent, [TurnId(uuid4())]), created_at=NOW + later)
        started = record(owner, "tool.started")
        try:
            await tool_calls.start(pool, PARTITION, token, call, started, per_minute=3)
        except TooOften:
            return False
        return True

    assert sum(await asyncio.gather(*(one() for _ in range(8)))) == 3
    assert not await one(timedelta(seconds=59))
    assert await one(timedelta(seconds=61))
    other = await stores.agent(owner)
    call = new_call(owner, other, [TurnId(uuid4())])
    await tool_calls.start(pool, PARTITION, token, call, record(owner, "tool.started"), per_minute=1)


async def test_what_was_left_is_found_whoever_owns_it_and_by_its_own_turn_only(stores: Stores) -> None:
    pool, owner = stores.pools["orchestrator"], await stores.account()
    agent, turn = await stores.agent(owner), TurnId(uuid4())
    calls = [replace(new_call(owner, agent, [turn]), id=call_id(turn, number)) for number in range(3)]
    for call in calls:
        await tool_calls.start(pool, PARTITION, await fence(stores), call, record(owner, "tool.started"))
    await tool_calls.end(pool, calls[0].id, CallState.DONE, record(owner, "tool.done"))
    await tool_calls.end(pool, calls[1].id, CallState.UNKNOWN, record(owner, "tool.done"))
    left = await tool_calls.list_left(pool, turn)
    assert {one.id for one in left} == {calls[1].id, calls[2].id}, "what is known to be unknown is told again"
    assert {(one.owner, one.agent, one.turn, one.tool) for one in left} == {(owner.owner, agent, turn, "append_line")}
    assert await tool_calls.list_left(pool, TurnId(uuid4())) == []
