"""Three nodes of the bus: the one that leads is lost while people talk, and what was admitted is answered.

The loss of one of two databases is followed by its runbook's test.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from setup.prove import note
from tests.chaos.checker import summary
from tests.e2e.cluster import SETTLE_S, talking


@pytest.mark.prove
@pytest.mark.timeout(0)
async def test_a_node_of_the_bus_is_lost(tmp_path: Path) -> None:
    async with talking(tmp_path) as (running, stores):
        going_on = asyncio.create_task(running.volley(0, messages=300, seconds=30))
        await asyncio.sleep(8)
        led = await stores.leader()
        if led == 0:
            running.keeper.kill("nats")
            await running.keeper.whole()
        else:
            await stores.kill_node(led)
        await going_on
        settled = await running.settled(SETTLE_S)
        violations = await running.violations()
        now_leads = await stores.leader()
    note(f"cluster: node {led + 1} of NATS, which led, killed; {len(violations)} violations of 300 messages")
    assert not violations, summary(violations)
    assert settled
    assert now_leads != led
