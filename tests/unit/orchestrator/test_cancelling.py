"""Cancelling: while it runs, before it began, by its mark; nobody else's, and not what merely took too long."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import pytest

from aiox.kernel.envelope import HTTP, CancelAsked
from aiox.kernel.ids import OwnerId, TurnId
from orchestrator.cancelling import REMEMBERED, Cancels, TurnCancelled
from orchestrator.proofs import Turn
from tests.unit.orchestrator.messages import received

TENANT = OwnerId(uuid4())


async def never(_owner: OwnerId, _turn: TurnId) -> bool:
    return False


async def marked(_owner: OwnerId, _turn: TurnId) -> bool:
    return True


def over_http() -> Turn:
    return Turn(replace(received(), channel=HTTP, tenant=TENANT), 1, 1, 1)


async def run_until(cancels: Cancels, turn: Turn, entered: asyncio.Event) -> None:
    async with cancels.heeding(turn):
        entered.set()
        await asyncio.Event().wait()


async def test_a_running_turn_is_stopped_and_sealed() -> None:
    cancels, entered, sealed = Cancels(never), asyncio.Event(), []
    turn = replace(over_http(), seal=lambda: sealed.append(True))
    running = asyncio.create_task(run_until(cancels, turn, entered))
    await entered.wait()
    cancels.heard(CancelAsked(turn.message.turn_id), TENANT)
    with pytest.raises(TurnCancelled):
        await running
    assert sealed
    assert not cancels._running


@pytest.mark.parametrize("tenant", [None, OwnerId(uuid4())])
async def test_a_hint_in_another_name_stops_nothing(tenant: OwnerId | None) -> None:
    cancels, entered = Cancels(never), asyncio.Event()
    turn = over_http()
    running = asyncio.create_task(run_until(cancels, turn, entered))
    await entered.wait()
    cancels.heard(CancelAsked(turn.message.turn_id), tenant)
    cancels.heard(CancelAsked(TurnId(uuid4())), TENANT)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert not running.done()
    running.cancel()


async def test_a_hint_of_the_http_door_is_nothing_to_a_turn_of_the_other_door() -> None:
    cancels, entered = Cancels(never), asyncio.Event()
    turn = Turn(received(), 1, 1, 1)
    running = asyncio.create_task(run_until(cancels, turn, entered))
    await entered.wait()
    cancels.heard(CancelAsked(turn.message.turn_id), None)
    await asyncio.sleep(0)
    assert not running.done()
    cancels.stop([turn])
    with pytest.raises(TurnCancelled):
        await running


async def test_what_was_stopped_while_it_waited_does_not_begin() -> None:
    cancels, turn = Cancels(never), Turn(received(), 1, 1, 1)
    cancels.stop([turn])
    with pytest.raises(TurnCancelled):
        async with cancels.heeding(turn):
            raise AssertionError("it began")


async def test_a_merged_turn_stops_with_any_of_its_messages() -> None:
    cancels = Cancels(never)
    first, second = Turn(received("one"), 1, 1, 1), Turn(received("two"), 1, 1, 2)
    cancels.stop([second])
    with pytest.raises(TurnCancelled):
        async with cancels.heeding(replace(first, members=(first, second))):
            raise AssertionError("it began")


async def test_the_mark_is_read_for_turns_over_http_only() -> None:
    with pytest.raises(TurnCancelled):
        async with Cancels(marked).heeding(over_http()):
            raise AssertionError("it began")
    async with Cancels(marked).heeding(Turn(received(), 1, 1, 1)):
        pass


async def test_what_takes_too_long_was_not_cancelled() -> None:
    with pytest.raises(TimeoutError):
        async with Cancels(never).heeding(over_http()):
            raise TimeoutError


async def test_what_ends_at_once_is_as_if_it_had_never_been_there() -> None:
    cancels, turn = Cancels(never), over_http()
    async with cancels.heeding(turn):
        pass
    cancels.heard(CancelAsked(turn.message.turn_id), TENANT)
    async with cancels.heeding(turn):
        pass


async def test_only_so_many_are_remembered() -> None:
    cancels = Cancels(never)
    cancels.stop([Turn(received(), 1, 1, 1) for _ in range(REMEMBERED + 5)])
    assert len(cancels._asked) == REMEMBERED
