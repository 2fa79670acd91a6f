"""Policies in PostgreSQL: versions, the pointer, who reads and writes them, and that a change is heard in time."""

from __future__ import annotations

from uuid import UUID

import asyncpg
import pytest

from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER, OwnerId
from aiox.kernel.verdict import Allow, Deny
from aiox.runtime.postgres import owner_scope
from policy.access import Relation
from policy.cedar.facts import Facts
from policy.cedar.judge import decide
from registry import policies
from registry.policies import FRESH_S, PolicyStore, digest_of
from tests.integration.governance import hub_policy_kept, join, organisation
from tests.stores import NOW, Stores

FORBID = '@id("frozen") forbid(principal, action == Action::"agent.read", resource);'
READ = Facts(Action.AGENT_READ, Relation.OWNER)


async def publish(stores: Stores, scope: UUID, text: str, by: UUID | None = None) -> int:
    async with owner_scope(stores.pools["gateway"], by or scope) as connection:
        version = await policies.add_version(connection, scope, text, "test", NOW)
        await policies.activate(connection, scope, version, NOW)
    return version


async def verdict(stores: Stores, store: PolicyStore, owner: OwnerId | None, now_s: float) -> Allow | Deny:
    found = decide(READ, await store.holding(stores.pools["orchestrator"], owner, now_s)).verdict
    assert isinstance(found, Allow | Deny)
    return found


async def test_a_new_hub_has_a_policy_that_allows_what_the_profiles_say(stores: Stores) -> None:
    assert isinstance(await verdict(stores, PolicyStore(), None, 0), Allow)


async def test_a_change_is_heard_within_the_time_and_a_rollback_too(stores: Stores) -> None:
    store = PolicyStore()
    async with hub_policy_kept(stores):
        assert isinstance(await verdict(stores, store, None, 0), Allow)
        await publish(stores, HUB_OWNER, FORBID)
        assert isinstance(await verdict(stores, store, None, FRESH_S - 0.1), Allow)
        assert isinstance(await verdict(stores, store, None, FRESH_S), Deny)
        async with owner_scope(stores.pools["gateway"], HUB_OWNER) as connection:
            await policies.activate(connection, HUB_OWNER, 1, NOW)
        assert isinstance(await verdict(stores, store, None, 2 * FRESH_S), Allow)
    assert FRESH_S <= 5


@pytest.mark.parametrize(
    ("text", "digest"),
    [(None, ""), ("nonsense", digest_of("nonsense")), ("//", digest_of(""))],
    ids=["removed", "broken", "changed past the hub"],
)
async def test_no_policy_or_a_broken_one_denies_everything(stores: Stores, text: str | None, digest: str) -> None:
    async with hub_policy_kept(stores):
        async with stores.superuser() as connection:
            await connection.execute("DELETE FROM active_policies WHERE scope = $1", HUB_OWNER)
            if text is not None:
                put = "INSERT INTO policies SELECT $1, max(version) + 1, $2, $3, '', now() FROM policies"
                version = await connection.fetchval(f"{put} RETURNING version", HUB_OWNER, text, digest)
                await connection.execute("INSERT INTO active_policies VALUES ($1, $2, now())", HUB_OWNER, version)
        found = await verdict(stores, PolicyStore(), None, 0)
        assert isinstance(found, Deny)
        assert found.code is ErrorCode.NO_POLICY


async def test_an_organisation_narrows_for_its_members_only(stores: Stores) -> None:
    member, other = await stores.account(), await stores.account()
    scope = await organisation(stores, member)
    await publish(stores, scope, FORBID, by=member.owner)
    assert isinstance(await verdict(stores, PolicyStore(), member.owner, 0), Deny)
    assert isinstance(await verdict(stores, PolicyStore(), other.owner, 0), Allow)


@pytest.mark.parametrize("role", ["approver", "auditor", "member", None])
async def test_who_does_not_rule_an_organisation_writes_no_policy(stores: Stores, role: str | None) -> None:
    ruler, actor = await stores.account(), await stores.account()
    scope = await organisation(stores, ruler)
    if role is not None:
        await join(stores, scope, actor, role)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await publish(stores, scope, FORBID, by=actor.owner)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await publish(stores, HUB_OWNER, FORBID, by=ruler.owner)


@pytest.mark.control
async def test_control_with_the_role_it_is_written(stores: Stores) -> None:
    actor = await stores.account()
    scope = await organisation(stores, actor, "admin")
    assert await publish(stores, scope, FORBID, by=actor.owner) == 1


async def test_versions_are_listed_to_members_and_never_changed(stores: Stores) -> None:
    actor, stranger = await stores.account(), await stores.account()
    scope = await organisation(stores, actor)
    for text in (FORBID, ""):
        await publish(stores, scope, text, by=actor.owner)
    async with owner_scope(stores.pools["gateway"], actor.owner) as connection:
        found = await policies.list_versions(connection, scope)
    assert [(one.version, one.active, one.text) for one in found] == [(2, True, ""), (1, False, FORBID)]
    async with owner_scope(stores.pools["gateway"], stranger.owner) as connection:
        assert await policies.list_versions(connection, scope) == []
    for verb in ("UPDATE policies SET text = ''", "DELETE FROM policies"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with owner_scope(stores.pools["gateway"], actor.owner) as connection:
                await connection.execute(verb)
