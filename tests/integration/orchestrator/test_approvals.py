"""The sweep: what nobody decided on expires and is told, what was granted and has not run comes on the bus again."""

from __future__ import annotations

from datetime import timedelta

import pytest

from aiox.commands.resume import RESUMED, resumed_turn
from aiox.kernel.envelope import Envelope, MessageReceived, OutboxReady
from aiox.wire.codec import decode
from orchestrator.approvals import LATE, NOT_DECIDED, NOT_USED, sweep
from policy.approvals import CONFIRM_WITHIN, RUN_WITHIN
from tests.integration.orchestrator.approval_stores import StoredWorld
from tests.stores import Stores


class Bus:
    def __init__(self) -> None:
        self.events: list[Envelope[MessageReceived]] = []

    async def __call__(self, envelope: Envelope[MessageReceived]) -> None:
        self.events.append(envelope)

    def of(self, world: StoredWorld) -> list[Envelope[MessageReceived]]:
        return [event for event in self.events if event.payload.turn_id == resumed_turn(world.rows[0].id)]


async def world_of(stores: Stores) -> StoredWorld:
    world = await StoredWorld.made(stores)
    await world.step("ask", 0, "ada@h")
    return world


async def swept(stores: Stores, world: StoredWorld, bus: Bus) -> None:
    """The sweep runs in an orchestrator."""
    hub = world.hub_of(stores.pools["orchestrator"])
    await sweep(hub, bus)


async def state_and_notice(stores: Stores, world: StoredWorld) -> tuple[str, bool, list[str]]:
    """State, whether its texts are gone, and what the person was told."""
    async with stores.superuser() as connection:
        row = await connection.fetchrow("SELECT state, arguments FROM approvals WHERE id = $1", world.rows[0].id)
        sent = await connection.fetch("SELECT envelope FROM outbox WHERE owner_user_id = $1 ORDER BY seq", world.owner)
    assert row is not None
    told = [event.payload for event in (decode(one["envelope"]) for one in sent)]
    assert all(isinstance(one, OutboxReady) and one.to_jid == world.actors["ada@h"].jid for one in told)
    return row["state"], row["arguments"] is None, [one.body for one in told if isinstance(one, OutboxReady)]


async def test_what_nobody_decided_on_expires_once_and_is_told(stores: Stores) -> None:
    world, bus = await world_of(stores), Bus()
    await swept(stores, world, bus)
    assert (await state_and_notice(stores, world))[:2] == ("pending", False)
    world.clock.at += CONFIRM_WITHIN
    for _ in range(2):
        await swept(stores, world, bus)
    state, gone, told = await state_and_notice(stores, world)
    assert (state, gone, len(told)) == ("expired", True, 1)
    assert NOT_DECIDED in told[0]
    assert bus.of(world) == []


async def test_what_was_granted_and_has_not_run_comes_again_until_it_is_too_late(stores: Stores) -> None:
    world, bus = await world_of(stores), Bus()
    await world.step("approve", 0, "ada@h")
    await swept(stores, world, bus)
    assert bus.of(world) == []  # it has just been put there by who granted it
    world.clock.at += LATE
    await swept(stores, world, bus)
    (event,) = bus.of(world)
    assert (event.type, event.causation_id, event.payload.body) == (RESUMED, world.rows[0].id, "write")
    world.clock.at += RUN_WITHIN - LATE
    await swept(stores, world, bus)
    state, gone, told = await state_and_notice(stores, world)
    assert (state, gone, len(told)) == ("expired", True, 1)
    assert NOT_USED in told[0]


async def test_what_ran_is_left_alone_and_its_texts_are_gone(stores: Stores) -> None:
    world, bus = await world_of(stores), Bus()
    await world.step("approve", 0, "ada@h")
    await world.step("run", 0, "ada@h")
    world.clock.at += timedelta(days=1)
    await swept(stores, world, bus)
    assert await state_and_notice(stores, world) == ("used", True, [])
    assert bus.of(world) == []


PURGED = "UPDATE approvals SET arguments = NULL, message = NULL, transcript = NULL WHERE id = $1"
ERASED = "DELETE FROM tenant_keys k USING approvals a WHERE a.id = $1 AND k.owner_user_id = a.owner_user_id"


@pytest.mark.parametrize("spoil", [PURGED, ERASED], ids=["its agent was purged", "its owner was erased"])
async def test_one_whose_texts_are_gone_ends_and_stops_nothing(stores: Stores, spoil: str) -> None:
    world, other, bus = await world_of(stores), await world_of(stores), Bus()
    for one in (world, other):
        await one.step("approve", 0, "ada@h")
        one.clock.at += LATE
    async with stores.superuser() as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(spoil, world.rows[0].id)
    await swept(stores, world, bus)
    async with stores.superuser() as connection:
        state = await connection.fetchval("SELECT state FROM approvals WHERE id = $1", world.rows[0].id)
    assert state == "expired"
    assert len(bus.of(other)) == 1
