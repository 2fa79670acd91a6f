"""Other servers in the database: entries, who knocked, and what each may spend."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from aiox.kernel.agent import AgentSpec, Profile, Visibility
from aiox.kernel.ids import HUB_OWNER, AgentId, TurnId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import owner_scope
from policy.group_quota import GroupBudget, GroupKind, GroupLimits
from policy.peers import Peer, Proof, Standing
from registry import group_quotas, peers
from registry.group_quotas import SetBy
from registry.turns import find_turn
from tests.stores import NOW, Stores

PUBLIC = AgentSpec(profile=Profile(name="Ada"), visibility=Visibility.PUBLIC)
NOTHING, DEFAULT = GroupLimits(0, 0, 8), GroupLimits(10_000, 500_000, 8)


def fresh() -> str:
    return f"{uuid4().hex}.example"


async def put(stores: Stores, peer: Peer, certificate: str = "") -> None:
    async with owner_scope(stores.pools["gateway"], HUB_OWNER) as connection:
        assert await peers.put(connection, peer, certificate, "", NOW)


async def limits(stores: Stores, agent: AgentId, sender: str) -> list[GroupBudget]:
    found = await find_turn(stores.pools["orchestrator"], agent, BareJid(sender), TurnId(uuid4()))
    return [group for group in found.groups if group.kind is GroupKind.PEER]


async def test_an_entry_is_read_as_it_was_written(stores: Stores) -> None:
    name = fresh()
    await put(stores, Peer(name, see=True))
    await put(stores, Peer(f"bob@{name}", Standing.BLOCKED, invoke=True, spend=True))
    known = (await peers.snapshot(stores.pools["component"])).peers
    assert known[name] == Peer(name, see=True)
    assert known[f"bob@{name}"] == Peer(f"bob@{name}", Standing.BLOCKED, invoke=True, spend=True)
    await put(stores, Peer(name, proof=Proof.DIALBACK))
    assert (await peers.snapshot(stores.pools["component"])).peers[name] == Peer(name, proof=Proof.DIALBACK)
    async with owner_scope(stores.pools["gateway"], HUB_OWNER) as connection:
        assert await peers.freeze(connection, name, NOW)
        assert not await peers.freeze(connection, name, NOW)
        row = await peers.find(connection, name)
        assert row is not None
        assert row.peer.standing is Standing.FROZEN
        assert await peers.remove(connection, name)
        assert not await peers.remove(connection, name)
        assert await peers.find(connection, name) is None


@pytest.mark.parametrize("name", ["Other.test", "a@b@c", "with space.test", "bob@other.test/phone", ""])
async def test_what_is_no_bare_name_is_not_stored(stores: Stores, name: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await put(stores, Peer(name))


async def test_a_domain_knocks_once_and_waits_a_month(stores: Stores) -> None:
    component, name = stores.pools["component"], fresh()
    assert await peers.knock(component, name, NOW)
    assert not await peers.knock(component, name, NOW + timedelta(days=1))
    assert name in (await peers.snapshot(component)).asked
    async with owner_scope(stores.pools["gateway"], HUB_OWNER) as connection:
        assert name in [one.domain for one in await peers.introductions(connection, NOW)]
        assert name not in [one.domain for one in await peers.introductions(connection, NOW + timedelta(days=31))]
    assert await peers.knock(component, name, NOW + timedelta(days=31))
    await put(stores, Peer(name))
    assert name not in (await peers.snapshot(component)).asked


async def test_so_many_wait_and_no_more(stores: Stores) -> None:
    component = stores.pools["component"]
    async with stores.superuser() as connection:
        await connection.execute("DELETE FROM peer_introductions")
        await connection.executemany(
            "INSERT INTO peer_introductions VALUES ($1, $2)",
            [(f"d{number}.example", NOW) for number in range(peers.MOST_INTRODUCTIONS)],
        )
        assert not await peers.knock(component, fresh(), NOW)
        await connection.execute("DELETE FROM peer_introductions")
    assert await peers.knock(component, fresh(), NOW)


async def test_who_has_no_entry_or_may_not_spend_has_a_budget_of_nothing(stores: Stores) -> None:
    agent, name = await stores.agent(await stores.account(), PUBLIC), fresh()
    assert await limits(stores, agent, f"bob@{name}") == [GroupBudget(GroupKind.PEER, name, NOTHING)]
    await put(stores, Peer(name, see=True, invoke=True))
    assert await limits(stores, agent, f"bob@{name}") == [GroupBudget(GroupKind.PEER, name, NOTHING)]
    await put(stores, Peer(name, spend=True))
    assert await limits(stores, agent, f"bob@{name}") == [GroupBudget(GroupKind.PEER, name, DEFAULT)]
    assert await limits(stores, agent, f"agent-1@agents.{name}") == [GroupBudget(GroupKind.PEER, name, DEFAULT)]
    await put(stores, Peer(f"bob@{name}", Standing.BLOCKED))
    assert [one.limits for one in await limits(stores, agent, f"bob@{name}")] == [NOTHING, NOTHING]
    await put(stores, Peer(name, Standing.FROZEN, spend=True))
    assert [one.limits for one in await limits(stores, agent, f"eve@{name}")] == [NOTHING]


async def test_one_person_has_a_budget_of_their_own_beside_the_servers(stores: Stores) -> None:
    agent, name = await stores.agent(await stores.account(), PUBLIC), fresh()
    bob = f"bob@{name}"
    await put(stores, Peer(name))
    await put(stores, Peer(bob, spend=True))
    async with owner_scope(stores.pools["gateway"], HUB_OWNER) as connection:
        await group_quotas.put(connection, GroupKind.PEER, bob, SetBy.HUB, GroupLimits(tokens_per_day=50), NOW)
    assert {(one.name, one.limits) for one in await limits(stores, agent, bob)} == {
        (name, DEFAULT),
        (bob, GroupLimits(None, 50)),
    }
    assert [one.limits for one in await limits(stores, agent, f"eve@{name}")] == [NOTHING]


async def test_names_below_ours_that_we_do_not_answer_for_are_other_servers(stores: Stores) -> None:
    agent = await stores.agent(await stores.account(), PUBLIC)
    for at_home in ("bob@localhost", "room@conference.localhost", "agent-1@agents.localhost"):
        assert await limits(stores, agent, at_home) == []
    assert [one.limits for one in await limits(stores, agent, "bob@chat.localhost")] == [NOTHING]


@pytest.mark.parametrize(
    ("service", "statement"),
    [
        (
            "component",
            "INSERT INTO peers (name, standing, created_at, changed_at) VALUES ('x.y', 'allowed', now(), now())",
        ),
        ("component", "UPDATE peers SET may_spend = true"),
        ("component", "DELETE FROM peers"),
        ("orchestrator", "UPDATE peers SET may_spend = true"),
        ("orchestrator", "SELECT 1 FROM peer_introductions"),
        ("ai_worker", "SELECT 1 FROM peers"),
        ("ai_worker", "SELECT 1 FROM peer_introductions"),
        ("gateway", "INSERT INTO peer_introductions VALUES ('x.y', now())"),
    ],
)
async def test_each_service_does_its_own_part_only(stores: Stores, service: str, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stores.pools[service].execute(statement)  # type: ignore[index]
