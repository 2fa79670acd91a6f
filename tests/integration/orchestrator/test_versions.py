"""A tenant's key ring is read once for all agents of an owner, and never before what it has to open."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from aiox.commands import create_agent
from aiox.commands.create_agent import AgentCreated, CreateAgent
from aiox.commands.hub import Actor
from aiox.kernel.ids import OwnerId, VersionId
from aiox.runtime.keyring import KeyRing
from aiox.runtime.postgres import Pool
from orchestrator import versions as module
from orchestrator.versions import Versions
from registry.tenants import TenantKeyMissing, load_ring
from tests.stores import Stores

TTL_S = 0.5


@pytest.fixture(name="reads")
def counted_reads(monkeypatch: pytest.MonkeyPatch) -> Counter[OwnerId]:
    """How often each owner's ring was read; what was read stays true for TTL_S."""
    reads = Counter[OwnerId]()

    async def counting(pool: Pool, keys: KeyRing, owner: OwnerId) -> KeyRing:
        reads[owner] += 1
        return await load_ring(pool, keys, owner)

    monkeypatch.setattr(module, "load_ring", counting)
    monkeypatch.setattr(module, "RING_TTL_S", TTL_S)
    return reads


async def new_version(stores: Stores, actor: Actor, prompt: str = "Answer.") -> VersionId:
    asked = CreateAgent.model_validate({"profile": {"name": "Ada", "system_prompt": prompt}})
    made = await create_agent.run(stores.hub, actor, asked)
    assert isinstance(made, AgentCreated), made
    return VersionId(made.version_id)


async def test_the_ring_is_read_again_once_for_all_agents_of_an_owner(stores: Stores, reads: Counter[OwnerId]) -> None:
    actor, other = await stores.account(), await stores.account()
    versions = Versions(stores.pools["orchestrator"], stores.keys)
    mine = [await new_version(stores, actor) for _ in range(3)]
    foreign = await new_version(stores, other)
    opened = [await versions.open(actor.owner, one) for one in mine]
    await asyncio.sleep(TTL_S + 0.1)
    reads.clear()
    again = [await versions.open(actor.owner, one) for one in mine]
    assert reads == {actor.owner: 1}
    assert len({id(one.ring) for one in again}) == 1
    assert again[0].ring is not opened[0].ring
    assert (await versions.open(other.owner, foreign)).ring is not again[0].ring


async def test_an_agent_made_under_a_newer_key_is_opened_at_once(stores: Stores, reads: Counter[OwnerId]) -> None:
    """A version is read first and the ring after it, whatever ring lies here."""
    actor = await stores.account()
    versions = Versions(stores.pools["orchestrator"], stores.keys)
    old = await versions.open(actor.owner, await new_version(stores, actor))
    await a_newer_key(stores, actor)
    new = await versions.open(actor.owner, await new_version(stores, actor, "Made later."))
    assert new.system_prompt == "Made later."
    assert new.ring.current != old.ring.current
    assert reads[actor.owner] == 2


async def test_what_was_read_of_an_erased_owner_is_forgotten(stores: Stores, reads: Counter[OwnerId]) -> None:
    actor = await stores.account()
    versions = Versions(stores.pools["orchestrator"], stores.keys)
    version = await new_version(stores, actor)
    await versions.open(actor.owner, version)
    async with stores.superuser() as connection:
        await connection.execute("DELETE FROM tenant_keys WHERE owner_user_id = $1", actor.owner)
    versions.forget(actor.owner)
    with pytest.raises(TenantKeyMissing):
        await versions.open(actor.owner, version)
    assert reads[actor.owner] == 2


async def a_newer_key(stores: Stores, actor: Actor) -> None:
    """As a rotation of the hub's keys gives it."""
    async with stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO tenant_keys (owner_user_id, number, wrapped, created_at)"
            " SELECT $1, max(number) + 1, $2, $3 FROM tenant_keys WHERE owner_user_id = $1",
            actor.owner,
            stores.keys.new_data_key(actor.owner),
            stores.hub.clock.now(),
        )
