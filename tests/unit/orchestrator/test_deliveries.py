"""What is in hand is put once, signalled while it waits, and keeps its partition from being released."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from unittest.mock import AsyncMock, MagicMock

from nats.errors import ConnectionClosedError

from orchestrator.deliveries import Delivery, InHand
from orchestrator.proofs import Turn
from tests.unit.orchestrator.messages import received


def delivery(fence: int = 7) -> Delivery:
    return Delivery(Turn(received(), partition=3, fence=fence, sequence=1), MagicMock(in_progress=AsyncMock()))


def test_a_message_delivered_again_while_it_waits_is_not_taken_twice() -> None:
    in_hand, one = InHand(MagicMock()), delivery()
    again = Delivery(replace(one.turn, suspect=True), MagicMock())
    assert in_hand.take(one)
    assert not in_hand.take(again)
    in_hand.let_go(one)
    assert in_hand.take(again)


def test_under_a_new_fence_it_is_another_delivery() -> None:
    in_hand, one = InHand(MagicMock()), delivery()
    assert in_hand.take(one)
    assert in_hand.take(Delivery(replace(one.turn, fence=8), MagicMock()))
    assert in_hand.count(3) == 2


def test_turns_begin_only_under_the_fence_that_is_held() -> None:
    in_hand, one = InHand(MagicMock()), delivery()
    assert not in_hand.may_begin(one.turn)
    in_hand.open(3, 7)
    assert in_hand.may_begin(one.turn)
    in_hand.open(3, 8)
    assert not in_hand.may_begin(one.turn)
    in_hand.close(3)
    assert not in_hand.may_begin(replace(one.turn, fence=8))


async def test_a_partition_is_empty_when_the_last_one_is_let_go() -> None:
    in_hand, one, other = InHand(MagicMock()), delivery(), delivery()
    in_hand.take(one)
    in_hand.take(other)
    empty = asyncio.create_task(in_hand.until_empty(3))
    for held in (one, one, other):  # letting go twice counts once
        await asyncio.sleep(0)
        assert not empty.done()
        in_hand.let_go(held)
    async with asyncio.timeout(60):
        await empty


async def test_what_waits_is_signalled_and_what_is_gone_is_not() -> None:
    in_hand, waiting, gone, broken = InHand(MagicMock(), signal_s=0.01), delivery(), delivery(), delivery()
    broken.message.in_progress.side_effect = ConnectionClosedError  # type: ignore[attr-defined]
    for one in (broken, waiting, gone):
        in_hand.take(one)
    in_hand.let_go(gone)
    signalling = asyncio.create_task(in_hand.signal_for_ever())
    async with asyncio.timeout(60):
        while waiting.message.in_progress.await_count < 3:  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)
    signalling.cancel()
    assert gone.message.in_progress.await_count == 0  # type: ignore[attr-defined]
