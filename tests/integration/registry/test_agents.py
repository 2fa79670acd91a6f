"""Agents and versions on a real database."""

from __future__ import annotations

from uuid import uuid4

import pytest

from aiox.kernel.agent import AgentSpec, Profile, Tool, ToolPolicy, Visibility
from aiox.kernel.ids import AgentId, OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.keyring import CannotOpen
from registry import agent_versions, agents, directory, tenants
from tests.stores import Stores


async def test_version_comes_back_as_published(stores: Stores) -> None:
    actor = await stores.account()
    spec = AgentSpec(
        profile=Profile(name="Ada"),
        tools=(
            Tool(name="http_request", policy="read_only"),
            Tool(name="search_api", policy=ToolPolicy(read_only=True)),
        ),
    )
    agent_id = await stores.agent(actor, spec)
    detail = await agents.load_detail(stores.pools["gateway"], actor.owner, agent_id)
    assert detail is not None
    version = await agent_versions.load_version(stores.pools["orchestrator"], actor.owner, detail.version.id)
    assert version is not None
    ring = await tenants.load_ring(stores.pools["orchestrator"], stores.keys, actor.owner)
    assert (version.spec, version.number, version.policy_hash) == (spec, 1, spec.policy_hash())
    assert version.open_prompt(ring) == "Be kind."


async def test_prompt_does_not_open_with_another_tenants_key(stores: Stores) -> None:
    actor, other = await stores.account(), await stores.account()
    detail = await agents.load_detail(stores.pools["gateway"], actor.owner, await stores.agent(actor))
    assert detail is not None
    ring = await tenants.load_ring(stores.pools["gateway"], stores.keys, other.owner)
    with pytest.raises(CannotOpen):
        detail.version.open_prompt(ring)


async def test_foreign_and_unknown_agents_are_the_same_nothing(stores: Stores) -> None:
    actor, other = await stores.account(), await stores.account()
    agent_id = await stores.agent(actor)
    pool = stores.pools["gateway"]
    for asked in (agent_id, AgentId(uuid4())):
        assert await agents.owner_of(pool, other.owner, asked) is None
        assert await agents.load_detail(pool, other.owner, asked) is None
    assert await agents.owner_of(pool, actor.owner, agent_id) == actor.owner
    assert await agents.list_summaries(pool, other.owner) == []


async def test_tenant_without_key_is_an_error(stores: Stores) -> None:
    with pytest.raises(tenants.TenantKeyMissing):
        await tenants.load_ring(stores.pools["gateway"], stores.keys, OwnerId(uuid4()))


@pytest.mark.parametrize(
    ("visibility", "shared_with", "seen_by"),
    [
        (Visibility.PRIVATE, (), {"owner"}),
        (Visibility.SHARED, ("guest@localhost",), {"owner", "guest@localhost"}),
        (Visibility.SHARED, ("peer.example",), {"owner", "any@peer.example"}),
        (Visibility.PUBLIC, (), {"owner", "guest@localhost", "any@peer.example"}),
    ],
)
async def test_who_may_see(
    stores: Stores, visibility: Visibility, shared_with: tuple[str, ...], seen_by: set[str]
) -> None:
    actor = await stores.account()
    agent_id = await stores.agent(actor, AgentSpec(profile=Profile(name="Ada"), visibility=visibility), shared_with)
    people = {"owner": actor.jid, **{name: BareJid(name) for name in ("guest@localhost", "any@peer.example")}}
    found = {name for name, jid in people.items() if await directory.may_see(stores.pools["component"], agent_id, jid)}
    assert found == seen_by


async def test_nobody_sees_an_unknown_agent(stores: Stores) -> None:
    actor = await stores.account()
    assert not await directory.may_see(stores.pools["component"], AgentId(uuid4()), actor.jid)
