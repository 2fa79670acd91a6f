"""Versions are frozen by their digest, and an address finds its agent by id or alias."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiox.commands import create_agent, publish_agent, retire_agent, share_agent
from aiox.commands.create_agent import AgentCreated, CreateAgent
from aiox.commands.edit_agent import PatchAgent, WhichAgent, update
from aiox.commands.hub import Actor
from aiox.commands.share_agent import AliasAgent
from aiox.kernel.agent import AgentSpec, Capabilities, Governance, LlmConfig, Profile, content_digest
from aiox.kernel.ids import AgentId, TurnId, agent_id_of
from aiox.kernel.jid import BareJid
from policy.access import Relation
from registry import agent_versions, agents, directory
from registry.agent_versions import VersionChanged
from registry.descriptors import find_descriptor
from registry.turns import find_turn
from tests.stores import Stores

CHANGES = {
    "a limit": "UPDATE agent_versions SET spec = jsonb_set(spec, '{governance,max_tokens_per_day}', '9') WHERE id = $1",
    "a field more": "UPDATE agent_versions SET spec = spec || '{\"more\": 1}' WHERE id = $1",
    "the policy hash": "UPDATE agent_versions SET policy_hash = repeat('0', 64) WHERE id = $1",
    "the number": "UPDATE agent_versions SET number = 7 WHERE id = $1",
}


async def new_agent(stores: Stores, actor: Actor, **fields: object) -> AgentCreated:
    made = await create_agent.run(stores.hub, actor, CreateAgent.model_validate({"profile": {"name": "Ada"}, **fields}))
    assert isinstance(made, AgentCreated), made
    return made


@pytest.mark.parametrize("what", CHANGES)
async def test_a_version_that_was_changed_past_the_hub_is_refused(stores: Stores, what: str) -> None:
    actor = await stores.account()
    made = await new_agent(stores, actor)
    async with stores.superuser() as connection:
        await connection.execute(CHANGES[what], made.version_id)
    with pytest.raises(VersionChanged):
        await agent_versions.load_version(stores.pools["orchestrator"], actor.owner, made.version_id)
    with pytest.raises(VersionChanged):
        await agents.load_detail(stores.pools["gateway"], actor.owner, made.agent_id)


@pytest.mark.control
@pytest.mark.parametrize("what", ["a limit", "the policy hash", "the number"])
async def test_without_the_check_it_is_used(stores: Stores, what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    actor = await stores.account()
    made = await new_agent(stores, actor)
    async with stores.superuser() as connection:
        await connection.execute(CHANGES[what], made.version_id)
        stored = await connection.fetchval("SELECT content_digest FROM agent_versions WHERE id = $1", made.version_id)
    monkeypatch.setattr(agent_versions, "content_digest", lambda *_: stored)
    assert await agent_versions.load_version(stores.pools["orchestrator"], actor.owner, made.version_id) is not None


async def test_a_version_moved_to_another_agent_is_refused(stores: Stores) -> None:
    actor = await stores.account()
    strict, lax = await new_agent(stores, actor), await new_agent(stores, actor, visibility="public")
    async with stores.superuser() as connection:
        spec = await connection.fetchval("SELECT spec FROM agent_versions WHERE id = $1", lax.version_id)
        digest = await connection.fetchval("SELECT content_digest FROM agent_versions WHERE id = $1", lax.version_id)
        await connection.execute(
            "UPDATE agent_versions SET spec = $2, content_digest = $3 WHERE id = $1", strict.version_id, spec, digest
        )
    assert json.loads(spec)["visibility"] == "public"
    with pytest.raises(VersionChanged):
        await agent_versions.load_version(stores.pools["orchestrator"], actor.owner, strict.version_id)


async def test_what_governs_is_what_was_published_last(stores: Stores) -> None:
    actor, guest = await stores.account(), BareJid("guest@localhost")
    made = await new_agent(stores, actor)
    which = WhichAgent(agent_id=made.agent_id)
    await update(stores.hub, actor, PatchAgent.model_validate({"agent_id": made.agent_id, "visibility": "public"}))
    assert not await directory.may_see(stores.pools["component"], made.agent_id, guest)
    await publish_agent.publish(stores.hub, actor, which)
    assert await directory.may_see(stores.pools["component"], made.agent_id, guest)
    await publish_agent.rollback(stores.hub, actor, publish_agent.RollbackAgent(agent_id=made.agent_id, version=1))
    assert not await directory.may_see(stores.pools["component"], made.agent_id, guest)


async def test_an_alias_finds_its_agent_until_it_is_taken_away(stores: Stores) -> None:
    actor = await stores.account()
    alias = f"a{uuid4().hex[:10]}"
    made = await new_agent(stores, actor, alias=alias)
    address, pool = agent_id_of(alias), stores.pools["orchestrator"]
    for asked in (made.agent_id, address):
        found = await find_turn(pool, asked, actor.jid, TurnId(uuid4()))
        assert (found.relation, found.agent, found.version_id) == (Relation.OWNER, made.agent_id, made.version_id)
        assert await directory.may_see(stores.pools["component"], asked, actor.jid)
        stranger = await find_turn(pool, asked, BareJid("eve@localhost"), TurnId(uuid4()))
        assert (stranger.relation, stranger.agent) == (Relation.NONE, None)
    await share_agent.set_alias(stores.hub, actor, AliasAgent(agent_id=made.agent_id, alias=""))
    assert (await find_turn(pool, address, actor.jid, TurnId(uuid4()))).relation is Relation.NONE
    assert (await find_turn(pool, made.agent_id, actor.jid, TurnId(uuid4()))).relation is Relation.OWNER


async def test_a_descriptor_is_for_those_who_may_talk_to_the_agent(stores: Stores) -> None:
    actor, guest, pool = await stores.account(), BareJid("guest@localhost"), stores.pools["component"]
    alias = f"a{uuid4().hex[:10]}"
    made = await new_agent(stores, actor, alias=alias, visibility="shared", shared_with=[guest])
    for asked in (made.agent_id, agent_id_of(alias)):
        for asker in (actor.jid, guest):
            found = await find_descriptor(pool, asked, asker)
            assert found is not None
            assert (found.agent_id, found.version, found.policy_hash) == (made.agent_id, 1, made.policy_hash)
        assert await find_descriptor(pool, asked, BareJid("eve@localhost")) is None
    async with stores.superuser() as connection:
        await connection.execute(CHANGES["a limit"], made.version_id)
    with pytest.raises(VersionChanged):
        await find_descriptor(pool, made.agent_id, guest)
    gone = await new_agent(stores, actor, visibility="public")
    await retire_agent.delete(stores.hub, actor, WhichAgent(agent_id=gone.agent_id))
    assert await find_descriptor(pool, gone.agent_id, actor.jid) is None


async def test_a_deleted_agent_is_unknown_by_each_of_its_addresses(stores: Stores) -> None:
    actor = await stores.account()
    alias = f"a{uuid4().hex[:10]}"
    made = await new_agent(stores, actor, alias=alias, visibility="public")
    await retire_agent.delete(stores.hub, actor, WhichAgent(agent_id=made.agent_id))
    for asked in (made.agent_id, agent_id_of(alias)):
        for asker in (actor.jid, BareJid("guest@localhost")):
            found = await find_turn(stores.pools["orchestrator"], asked, asker, TurnId(uuid4()))
            assert (found.relation, found.agent, found.version_id) == (Relation.NONE, None, None)
            assert not await directory.may_see(stores.pools["component"], asked, asker)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=20)
SPECS = st.builds(
    AgentSpec,
    profile=st.builds(Profile, name=st.just("Ada"), description=TEXT),
    llm_config=st.builds(LlmConfig, temperature=st.floats(0, 2)),
    capabilities=st.builds(Capabilities, priority_weight=st.floats(0, 1)),
    governance=st.builds(Governance, max_tokens_per_day=st.integers(1, 10**12)),
)


async def test_a_digest_survives_the_way_through_the_database(stores: Stores) -> None:
    """jsonb orders names and rewrites numbers; the canonical form of what comes back is the same."""
    agent_id, specs = AgentId(uuid4()), []

    @settings(max_examples=200, database=None, deadline=None)
    @given(SPECS)
    def collect(spec: AgentSpec) -> None:
        specs.append(spec)

    collect()
    async with stores.superuser() as connection:
        back = await connection.fetch(
            "SELECT spec::jsonb::text AS text FROM unnest($1::text[]) AS spec", [one.model_dump_json() for one in specs]
        )
    for spec, row in zip(specs, back, strict=True):
        stored = content_digest(agent_id, 1, "h", json.loads(row["text"]))
        assert stored == content_digest(agent_id, 1, "h", spec.model_dump(mode="json")), spec
