"""Keys are exchanged under traffic: no read fails, nothing is left under an old key; broken off, it goes on."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from aiox.cli.key_files import RingFiles
from aiox.commands import keys
from aiox.commands.hub import Actor, Hub
from aiox.commands.keys import Keeper, Progress, RetireKeys, Rotated
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime import postgres
from aiox.runtime.clock import SystemClock
from aiox.runtime.keyring import CannotOpen, KeyRing, key_id
from registry import rotation, tenants
from setup.prove import note
from tests.integration.registry.records import Rings, World, ended, make_world
from tests.stores import Stores

OPERATOR = Actor(HUB_OWNER, BareJid("operator@localhost"))


class BrokenOff(Exception):
    """The operator's shell was closed."""


@pytest.fixture(scope="module")
async def keeper(stores: Stores) -> AsyncIterator[Keeper]:
    pool = await postgres.connect_keeper(stores.settings, stores.home.secrets("stack"))
    yield Keeper(pool, RingFiles(stores.home))
    await pool.close()


def hub_of(stores: Stores) -> Hub:
    return Hub(stores.pools["gateway"], stores.keys, SystemClock(), "localhost")


HELD, NOT_HELD = timedelta(minutes=5), timedelta(0)
"""Whether turns may hold rings of before."""


async def no_wait() -> None:
    """Nothing holds an old ring."""


def silent(_: Progress) -> None:
    """Nobody looks."""


@asynccontextmanager
async def traffic(world: World, rings: Rings, seed: int) -> AsyncIterator[None]:
    """Four readers and two writers."""
    chance = random.Random(seed)
    tasks = [asyncio.create_task(world.read_for_ever(random.Random(chance.random()))) for _ in range(4)]
    tasks += [asyncio.create_task(world.write_for_ever(rings, random.Random(chance.random()))) for _ in range(2)]
    try:
        yield
    finally:
        await ended(*tasks)


async def rotated(stores: Stores, keeper: Keeper) -> Rotated:
    """One rotation while nobody else does anything."""
    done = await keys.rotate(hub_of(stores), OPERATOR, keeper, no_wait, silent)
    assert isinstance(done, Rotated), done
    return done


async def rotated_under_traffic(world: World, keeper: Keeper, seed: int) -> Rotated:
    """One rotation under traffic; in the middle of it the writers learn that there are new keys."""
    rings = Rings(world.stores)
    for owner in world.owners:
        await rings.of(owner)

    async def settle() -> None:
        rings.forget()
        before = world.written
        while world.written < before + 4:  # what they had in hand is written
            await asyncio.sleep(0.01)

    async with traffic(world, rings, seed):
        while not (world.reads and world.written):
            await asyncio.sleep(0.01)
        done = await keys.rotate(hub_of(world.stores), OPERATOR, keeper, settle, silent)
    assert isinstance(done, Rotated), done
    return done


async def test_under_traffic(stores: Stores, keeper: Keeper) -> None:
    world = await make_world(stores, owners=4, executions=2000)
    before = stores.keys.current
    done = await rotated_under_traffic(world, keeper, seed=7)
    assert (world.failures, done.damaged) == ([], 0)
    assert {name: count for name, count in (await world.left()).items() if count} == {}
    assert stores.keys.current == done.hub_key > before
    assert done.records >= len(world.records) - 2000  # executions hold two
    for record in world.records[:: len(world.records) // 100]:
        assert await world.read(record) == record.text
    wrapped = await rotation.count_wrapped(keeper.pool)
    assert [one.hub_key for one in wrapped] == [done.hub_key]


@pytest.mark.prove
async def test_a_million_records(stores: Stores, keeper: Keeper) -> None:
    seed = random.randrange(2**32)
    world = await make_world(stores, owners=20, executions=1_000_000)
    loop = asyncio.get_running_loop()
    began = loop.time()
    done = await rotated_under_traffic(world, keeper, seed)
    seconds = loop.time() - began
    note(
        f"rotation seed {seed}: {done.records} records in {seconds:.0f} s, {world.reads} reads beside it,"
        f" {len(world.failures)} failed, left under old keys: {sum((await world.left()).values())}"
    )
    assert world.failures == []
    assert done.records >= 1_000_000
    assert sum((await world.left()).values()) == 0


@pytest.mark.control
async def test_without_a_pass_after_the_old_rings_are_gone_some_are_left(stores: Stores, keeper: Keeper) -> None:
    world = await make_world(stores, owners=4, executions=200)
    rings = Rings(stores)
    for owner in world.owners:
        await rings.of(owner)
    await rotated(stores, keeper)
    writer = asyncio.create_task(world.write_for_ever(rings, random.Random(8)))
    before = world.written
    while world.written < before + 4:
        await asyncio.sleep(0.01)
    await ended(writer)
    assert (await world.left())["executions.input"] > 0


@pytest.mark.control
async def test_readers_that_keep_their_rings_fail(stores: Stores, keeper: Keeper) -> None:
    world = await make_world(stores, owners=4, executions=200)
    kept = {owner: await tenants.load_ring(stores.pools["gateway"], stores.keys, owner) for owner in world.owners}

    def ring_of(owner: OwnerId) -> KeyRing:
        return kept.get(owner, stores.keys)

    await rotated(stores, keeper)
    reader = asyncio.create_task(world.read_for_ever(random.Random(9), ring_of))
    while world.reads < 50 or not world.failures:
        await asyncio.sleep(0.01)
    await ended(reader)
    assert world.failures


async def test_broken_off_it_goes_on_with_the_same_key(stores: Stores, keeper: Keeper) -> None:
    world = await make_world(stores, owners=4, executions=400)

    def break_off(progress: Progress) -> None:
        if progress.tenants == 2:
            raise BrokenOff

    with pytest.raises(BrokenOff):
        await keys.rotate(hub_of(stores), OPERATOR, keeper, no_wait, break_off)
    began = await rotation.unfinished(keeper.pool)
    assert began == stores.keys.current
    listed = await keys.list_keys(hub_of(stores), OPERATOR, keeper)
    assert not isinstance(listed, Refused)
    assert listed.unfinished == began
    for record in world.records[::50]:
        assert await world.read(record) == record.text
    done = await keys.rotate(hub_of(stores), OPERATOR, keeper, no_wait, silent)
    assert isinstance(done, Rotated)
    assert (done.hub_key, await rotation.unfinished(keeper.pool)) == (began, None)
    assert sum((await world.left()).values()) == 0


async def test_two_at_once(stores: Stores, keeper: Keeper) -> None:
    async with rotation.alone(keeper.pool):
        other = await postgres.connect_keeper(stores.settings, stores.home.secrets("stack"))
        try:
            busy = await keys.rotate(hub_of(stores), OPERATOR, Keeper(other, keeper.files), no_wait, silent)
        finally:
            await other.close()
    assert isinstance(busy, Refused)
    assert busy.code is ErrorCode.CONFLICT


async def test_a_damaged_record_is_counted_and_left(stores: Stores, keeper: Keeper) -> None:
    world = await make_world(stores, owners=1, executions=10)
    victim = next(record for record in world.records if record.column == "input")
    async with stores.superuser() as connection:
        await connection.execute(
            "UPDATE executions SET input = set_byte(input, 20, get_byte(input, 20) # 1) WHERE id = $1", victim.record
        )
    done = await keys.rotate(hub_of(stores), OPERATOR, keeper, no_wait, silent)
    assert isinstance(done, Rotated)
    assert done.damaged == 1
    assert sum((await world.left()).values()) == 2  # the row's other column waits with it
    with pytest.raises(CannotOpen):
        await world.read(victim)
    async with stores.superuser() as connection:
        await connection.execute("DELETE FROM executions WHERE id = $1", victim.record)


async def test_keys_without_use_are_retired_and_nothing_is_lost(stores: Stores, keeper: Keeper) -> None:
    world = await make_world(stores, owners=2, executions=20)
    old = await tenants.load_ring(stores.pools["gateway"], stores.keys, world.owners[0])
    done = await rotated(stores, keeper)
    hub = hub_of(stores)
    kept = await keys.retire(hub, OPERATOR, keeper, RetireKeys(), HELD)
    assert not isinstance(kept, Refused)
    assert kept.data_keys == 0  # they are too young to go
    held = await keys.retire(hub, OPERATOR, keeper, RetireKeys(keep_days=0), HELD)
    assert not isinstance(held, Refused)
    assert held.data_keys == 0  # a turn may still seal with them: what it left would never be read again
    gone = await keys.retire(hub, OPERATOR, keeper, RetireKeys(keep_days=0), NOT_HELD)
    assert not isinstance(gone, Refused)
    assert gone.data_keys >= len(world.owners)
    assert list(keeper.files.keys()) == [done.hub_key]
    ring = await tenants.load_ring(stores.pools["gateway"], stores.keys, world.owners[0])
    assert ring.ids == (max(old.ids) + 1,)
    for record in world.records:
        assert await world.read(record) == record.text


async def test_a_key_in_use_stays(stores: Stores, keeper: Keeper) -> None:
    await make_world(stores, owners=1, executions=1)
    before = stores.keys.current
    added = await keys.add(hub_of(stores), OPERATOR, keeper)
    assert added == before + 1
    gone = await keys.retire(hub_of(stores), OPERATOR, keeper, RetireKeys(keep_days=0), NOT_HELD)
    assert not isinstance(gone, Refused)
    assert {before, added} <= set(keeper.files.keys())
    assert stores.keys.current == before


async def test_a_new_account_is_sealed_under_the_current_key(stores: Stores, keeper: Keeper) -> None:
    await rotated(stores, keeper)
    actor = await stores.account()
    async with stores.superuser() as connection:
        wrapped = await connection.fetchval("SELECT wrapped FROM tenant_keys WHERE owner_user_id = $1", actor.owner)
    assert key_id(wrapped) == stores.keys.current


async def test_only_the_operator(stores: Stores, keeper: Keeper) -> None:
    actor = await stores.account()
    for command in (
        keys.list_keys(hub_of(stores), actor, keeper),
        keys.add(hub_of(stores), actor, keeper),
        keys.rotate(hub_of(stores), actor, keeper, no_wait, silent),
        keys.retire(hub_of(stores), actor, keeper, RetireKeys(), HELD),
    ):
        refused = await command
        assert isinstance(refused, Refused)
        assert refused.code is ErrorCode.ACCESS_DENIED
