"""What attempts have cost that ended early."""

from __future__ import annotations

import asyncio

from orchestrator.spending import Paid, Spending


def test_the_workers_own_count_replaces_the_estimate_of_its_attempt() -> None:
    spending = Spending()
    first, _second = spending.cut_off(40), spending.cut_off(60)
    assert spending.total == 100
    first(55)
    assert spending.total == 115


async def test_whoever_waits_goes_on_when_every_attempt_is_counted() -> None:
    spending = Spending()
    await spending.until_counted(60)
    first, second = spending.cut_off(40), spending.cut_off(60)
    waits = asyncio.create_task(spending.until_counted(60))
    first(1)
    await asyncio.sleep(0)
    assert not waits.done()
    second(2)
    await waits
    assert spending.total == 3


async def test_nobody_waits_for_a_worker_that_says_nothing() -> None:
    spending = Spending()
    spending.cut_off(40)
    await spending.until_counted(0.01)
    assert spending.total == 40


def test_what_other_agents_take_is_counted_apart() -> None:
    spending = Spending()
    spending.pay(30, same_owner=True)
    spending.pay(12, same_owner=False)
    assert spending.paid == Paid(42, 30)
    assert spending.total == 0
