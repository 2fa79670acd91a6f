"""Of the bus, Redis and the XMPP server there are three: one is lost while people talk, and what was admitted answered.

The loss of one of two databases is followed by its runbook's test.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from setup.prove import note
from tests.chaos.checker import summary
from tests.e2e.cluster import NODES, SETTLE_S, talking


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_a_node_of_the_bus_is_lost(tmp_path: Path) -> None:
    async with talking(tmp_path) as (running, stores):
        going_on = asyncio.create_task(running.volley(0, messages=300, seconds=30))
        await asyncio.sleep(8)
        led = await stores.leader()
        assert led is not None
        leads = await stores.lose_node(running.keeper, led)
        await going_on
        settled = await running.settled(SETTLE_S)
        violations = await running.violations()
    note(f"cluster: node {led + 1} of NATS, which led, killed; {len(violations)} violations of 300 messages")
    assert not violations, summary(violations)
    assert settled
    assert leads != led


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_the_redis_that_leads_is_lost(tmp_path: Path) -> None:
    """And so is the one that took its place, when the first is back."""
    async with talking(tmp_path) as (running, stores):
        going_on = asyncio.create_task(running.volley(0, messages=300, seconds=40))
        led = [await stores.redis_leader()]
        for _ in range(2):
            await asyncio.sleep(8)
            await stores.lose_redis(running.keeper, led[-1])
            led.append(await stores.redis_leader())
        await going_on
        settled = await running.settled(SETTLE_S)
        violations = await running.violations()
    note(f"cluster: of three Redis the leaders {led[:-1]} killed; {len(violations)} violations of 300 messages")
    assert not violations, summary(violations)
    assert settled
    assert led[0] == 0 != led[1] != led[2]


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_xmpp_servers_are_lost_one_after_the_other(tmp_path: Path) -> None:
    """The first has the component's link; people are at all three, and come back at another one."""
    async with talking(tmp_path) as (running, stores):
        going_on = asyncio.create_task(running.volley(0, messages=300, seconds=40))
        for number in range(NODES):
            await asyncio.sleep(6)
            await stores.lose_server(running.keeper, number)
        await going_on
        settled = await running.settled(SETTLE_S)
        violations = await running.violations()
        logins = sum(person.journal.logins for person in running.crowd.people)
    assert logins > len(running.crowd.people)  # some were there
    note(f"cluster: {NODES} XMPP servers killed, {logins} logins; {len(violations)} violations of 300 messages")
    assert not violations, summary(violations)
    assert settled
