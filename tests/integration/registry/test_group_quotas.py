"""What holds for a turn: each organisation of the owner, the peer that writes, the hub's word above the group's own."""

from __future__ import annotations

from uuid import UUID, uuid4

import asyncpg
import pytest

from aiox.commands.hub import Actor
from aiox.kernel.agent import AgentSpec, Profile, Visibility
from aiox.kernel.ids import HUB_OWNER, AgentId, TurnId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import owner_scope
from policy.group_quota import GroupBudget, GroupKind, GroupLimits
from policy.peers import Peer
from policy.quota import Settled
from policy.storage import MIB
from registry import group_quotas, peers, storage
from registry.group_quotas import SetBy
from registry.turns import find_turn
from tests.integration.governance import join, organisation
from tests.integration.registry.test_quota_books import MINUTE, concluded, settled
from tests.stores import NOW, Stores

ORGANISATION, PEER = GroupKind.ORGANISATION, GroupKind.PEER
PUBLIC = AgentSpec(profile=Profile(name="Ada"), visibility=Visibility.PUBLIC)


async def set_by_hub(stores: Stores, kind: GroupKind, name: str, limits: GroupLimits) -> None:
    async with owner_scope(stores.pools["gateway"], HUB_OWNER) as connection:
        await group_quotas.put(connection, kind, name, SetBy.HUB, limits, NOW)


async def set_own(stores: Stores, actor: Actor, house: UUID, limits: GroupLimits) -> None:
    async with owner_scope(stores.pools["gateway"], actor.owner) as connection:
        await group_quotas.put(connection, ORGANISATION, str(house), SetBy.ORGANISATION, limits, NOW)


async def groups(stores: Stores, agent: AgentId, sender: str) -> tuple[GroupBudget, ...]:
    return (await find_turn(stores.pools["orchestrator"], agent, BareJid(sender), TurnId(uuid4()))).groups


async def test_of_the_hubs_limit_and_its_own_the_smaller_holds(stores: Stores) -> None:
    actor = await stores.account()
    agent, house = await stores.agent(actor), await organisation(stores, actor)
    assert await groups(stores, agent, actor.jid) == (GroupBudget(ORGANISATION, str(house), GroupLimits()),)
    await set_by_hub(stores, ORGANISATION, str(house), GroupLimits(1000, 5000, max_worker_time_ms=900))
    await set_own(stores, actor, house, GroupLimits(400, 9000, 3))
    assert await groups(stores, agent, actor.jid) == (
        GroupBudget(ORGANISATION, str(house), GroupLimits(400, 5000, 3, None, 900)),
    )


async def test_every_organisation_of_the_owner_counts(stores: Stores) -> None:
    actor = await stores.account()
    agent = await stores.agent(actor)
    houses = [await organisation(stores, actor, role) for role in ("owner", "member")]
    found = await groups(stores, agent, actor.jid)
    assert {group.name for group in found} == {str(house) for house in houses}


async def test_a_peer_is_the_domain_that_somebody_else_writes_from(stores: Stores) -> None:
    actor, domain = await stores.account(), f"{uuid4().hex}.example"
    agent = await stores.agent(actor, PUBLIC)
    default = GroupBudget(PEER, domain, GroupLimits(10_000, 500_000, 8))
    async with owner_scope(stores.pools["gateway"], HUB_OWNER) as connection:
        assert await peers.put(connection, Peer(domain, spend=True), "", "", NOW)
    assert await groups(stores, agent, f"bob@{domain}") == (default,)
    for at_home in (actor.jid, "bob@localhost", "room@conference.localhost"):
        assert await groups(stores, agent, at_home) == ()
    assert await groups(stores, agent, "bob@notlocalhost") != (), "the end of a name is not a domain above it"
    await set_by_hub(stores, PEER, domain, GroupLimits(tokens_per_day=7))
    assert await groups(stores, agent, f"bob@{domain}") == (GroupBudget(PEER, domain, GroupLimits(None, 7)),)
    async with owner_scope(stores.pools["gateway"], HUB_OWNER) as connection:
        assert await group_quotas.drop(connection, PEER, domain)
        assert not await group_quotas.drop(connection, PEER, domain)
    assert await groups(stores, agent, f"bob@{domain}") == (default,)


async def test_who_may_not_talk_to_the_agent_learns_of_no_budget(stores: Stores) -> None:
    actor = await stores.account()
    await organisation(stores, actor)
    assert await groups(stores, await stores.agent(actor), "eve@elsewhere.example") == ()


async def test_what_members_use_together_is_one_row_and_the_hubs(stores: Stores) -> None:
    ada, bob = await stores.account(), await stores.account()
    house = await organisation(stores, ada)
    await join(stores, house, bob, "member")
    for actor, tokens in ((ada, 30), (bob, 12), (ada, 5)):
        await concluded(stores, actor.owner, AgentId(uuid4()), (MINUTE, tokens), groups=[house])
    assert await settled(stores, house, ada.owner, bob.owner) == [
        Settled(house, MINUTE, 47, 47),
        Settled(ada.owner, MINUTE, 35, 35),
        Settled(bob.owner, MINUTE, 12, 12),
    ]
    at = NOW.fromtimestamp(MINUTE * 60 + 30, NOW.tzinfo)
    for who, sees in ((HUB_OWNER, True), (bob.owner, True), ((await stores.account()).owner, False)):
        async with owner_scope(stores.pools["gateway"], who) as connection:
            used = await group_quotas.used(connection, ORGANISATION, str(house), at)
        assert used.day_tokens == (47 if sees else 0)


async def test_memory_is_full_when_the_organisations_is(stores: Stores) -> None:
    ada, bob = await stores.account(), await stores.account()
    house = await organisation(stores, ada)
    await join(stores, house, bob, "member")
    agents = {actor: await stores.agent(actor) for actor in (ada, bob)}
    await set_own(stores, ada, house, GroupLimits(max_memory_mb=2))
    async with stores.superuser() as connection:
        for actor, agent in agents.items():
            await connection.execute("INSERT INTO agent_storage VALUES ($1, $2, $3)", agent, actor.owner, MIB)
    async with owner_scope(stores.pools["gateway"], bob.owner) as connection:
        await storage.lock(connection, bob.owner)
        room = await storage.used(connection, bob.owner, agents[bob], 512)
    assert room.full
    assert "your organisation would hold 2.0 MiB, and 2 MiB are allowed" in room.refusal(0)
    (group,) = await groups(stores, agents[ada], ada.jid)
    assert group.stored == 2 * MIB


REFUSED = (asyncpg.InsufficientPrivilegeError,)


@pytest.mark.parametrize("role", ["approver", "auditor", "member", None])
async def test_who_does_not_rule_writes_no_limit_even_past_the_command(stores: Stores, role: str | None) -> None:
    owner, actor = await stores.account(), await stores.account()
    house = await organisation(stores, owner)
    if role is not None:
        await join(stores, house, actor, role)
    await set_own(stores, owner, house, GroupLimits(5))
    with pytest.raises(REFUSED):
        await set_own(stores, actor, house, GroupLimits(10**9))
    async with owner_scope(stores.pools["gateway"], actor.owner) as connection:
        seen = await group_quotas.limits_of(connection, ORGANISATION, str(house), SetBy.ORGANISATION)
        await connection.execute("DELETE FROM group_quotas")
    assert seen == (GroupLimits(5) if role else GroupLimits())
    assert (await groups(stores, await stores.agent(owner), owner.jid))[0].limits == GroupLimits(5)


async def test_the_owner_of_an_organisation_writes_nothing_in_the_hubs_name(stores: Stores) -> None:
    actor = await stores.account()
    house = await organisation(stores, actor)
    for kind, name in ((ORGANISATION, str(house)), (ORGANISATION, "*"), (PEER, "example.org")):
        async with owner_scope(stores.pools["gateway"], actor.owner) as connection:
            assert await group_quotas.list_of_hub(connection) == []
            with pytest.raises(REFUSED):
                await group_quotas.put(connection, kind, name, SetBy.HUB, GroupLimits(10**9), NOW)


@pytest.mark.control
async def test_control_without_the_rule_anybody_would_widen_it(stores: Stores) -> None:
    actor, house = await stores.account(), uuid4()
    async with stores.superuser() as connection, connection.transaction():
        await connection.execute("ALTER TABLE group_quotas DISABLE ROW LEVEL SECURITY")
        await connection.execute("SET LOCAL ROLE aiox_gateway")
        await connection.execute("SELECT set_config('aiox.owner', $1, true)", str(actor.owner))
        await group_quotas.put(connection, ORGANISATION, str(house), SetBy.HUB, GroupLimits(10**9), NOW)  # type: ignore[arg-type]
        await connection.execute("RESET ROLE")
        await connection.execute("DELETE FROM group_quotas WHERE name = $1", str(house))
        await connection.execute("ALTER TABLE group_quotas ENABLE ROW LEVEL SECURITY")
