"""Every crash point of docs/durability.md is tried: the process dies right there, and afterwards every claim holds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from aiox.runtime.crash import CrashPoint
from tests.chaos.checker import summary
from tests.chaos.traffic import Traffic, traffic

MESSAGES = 6
DIES_S = 20.0
"""Within this time after the messages were sent the process must have died: else nothing calls the hook there."""

NEEDS_A_FACT = {CrashPoint.BEFORE_FACT, CrashPoint.AFTER_FACT}
NEEDS_A_TOOL = {CrashPoint.AFTER_TOOL_STARTED, CrashPoint.AFTER_EFFECT}


@pytest.fixture(scope="module")
async def calm() -> AsyncIterator[Traffic]:
    """A hub with few people, of which one process after the other is sent to its crash point."""
    async with traffic(5, clients=3, conversations=6) as running:
        yield running


@pytest.mark.timeout(200)
@pytest.mark.parametrize("point", [point for point in CrashPoint if point not in NEEDS_A_TOOL], ids=lambda p: p.name)
async def test_nothing_is_lost_or_doubled_by_a_death(calm: Traffic, point: CrashPoint) -> None:
    keeper, service = calm.keeper, point.value.split(":")[0]
    word = f"crash-{point.name}."
    if point in NEEDS_A_FACT:
        word += " Remember that the boat is called"
    await keeper.replace(service, AIOX_CRASH__POINT=point.name, AIOX_CRASH__TEXT=f"crash-{point.name}.")
    keeper.expect_death(service)
    await calm.volley(list(CrashPoint).index(point), MESSAGES, 0.5, word)
    assert await keeper.until_dead(service, DIES_S), f"nothing calls the hook at {point.name}"
    await keeper.whole()
    assert await calm.settled(), f"unfinished after all: {await calm.open_work()}"
    violations = await calm.violations()
    assert not violations, summary(violations)
    assert keeper.surprises == []
