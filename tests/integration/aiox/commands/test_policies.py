"""Policies through their commands: who may, what is refused, what holds, and what the ledger says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from uuid import uuid4

import pytest

from aiox.commands import list_agents, policies, try_policy
from aiox.commands.hub import Actor
from aiox.commands.list_agents import ListAgents
from aiox.commands.policies import Checked, PolicyText, WhichPolicy, WhichVersion
from aiox.commands.try_policy import Question
from aiox.kernel.account import HubRole
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from policy.cedar.explain import Explanation
from registry.policies import PolicyVersion
from tests.integration.governance import OPERATOR, hub_policy_kept, join, organisation, remove_hub_policy
from tests.stores import Stores

FORBID = '@id("no lists") @says("Lists are closed.") forbid(principal, action == Action::"agent.list", resource);'


async def lists(stores: Stores, actor: Actor) -> Refused | None:
    found = await list_agents.run(stores.hub, actor, ListAgents())
    return found if isinstance(found, Refused) else None


async def rows(stores: Stores, event: str, actor: str) -> Sequence[dict[str, object]]:
    async with stores.superuser() as connection:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
        found = await connection.fetch(
            "SELECT details FROM audit_logs WHERE event_type = $1 AND actor = $2 ORDER BY seq", event, actor
        )
    return [row["details"] for row in found]


async def test_what_the_operator_publishes_holds_and_what_is_rolled_back_no_longer(stores: Stores) -> None:
    actor = await stores.account()
    async with hub_policy_kept(stores):
        made = await policies.publish(stores.hub, OPERATOR, PolicyText(text=FORBID))
        assert isinstance(made, PolicyVersion)
        no = await lists(stores, actor)
        assert no is not None
        assert (no.code, no.reason, no.rules) == (ErrorCode.ACCESS_DENIED, "Lists are closed.", ("hub/no lists",))
        assert isinstance(await policies.rollback(stores.hub, OPERATOR, WhichVersion(version=1)), PolicyVersion)
        assert await lists(stores, actor) is None
    published = (await rows(stores, "policy.published", OPERATOR.jid))[-1]
    assert published["digest"] == made.digest
    decisions = [row for row in await rows(stores, "gate.decision", actor.jid) if row["action"] == "agent.list"]
    assert [(row["decision"], row["rules"]) for row in decisions] == [
        ("deny", ["hub/no lists"]),
        ("allow", ["hub/R0 agent.list"]),
    ]
    versions = [str(row["policy"]).split()[0] for row in decisions]
    assert versions[0].startswith(f"hub:{made.version}:")
    assert versions[1].startswith("hub:1:")


async def test_a_text_with_a_fault_is_named_and_not_published(stores: Stores) -> None:
    text = 'forbid(principal, action, resource) when { context.mood == "bad" };'
    checked = await policies.check(stores.hub, OPERATOR, PolicyText(text=text))
    assert isinstance(checked, Checked)
    assert len(checked.faults) == 2
    before = await policies.show(stores.hub, OPERATOR, WhichPolicy())
    refused = await policies.publish(stores.hub, OPERATOR, PolicyText(text=text))
    assert isinstance(refused, Refused)
    assert refused.code is ErrorCode.BODY_INVALID
    assert await policies.show(stores.hub, OPERATOR, WhichPolicy()) == before


async def test_without_a_policy_all_is_denied_and_only_the_operator_mends_it(stores: Stores) -> None:
    actor = await stores.account()
    admin = replace(actor, hub_role=HubRole.ADMIN, session=uuid4())
    async with hub_policy_kept(stores):
        await remove_hub_policy(stores)
        for somebody in (actor, admin, OPERATOR):
            no = await lists(stores, somebody)
            assert no is not None
            assert no.code is ErrorCode.NO_POLICY
        tried = await policies.publish(stores.hub, admin, PolicyText(text=""))
        assert isinstance(tried, Refused)
        assert tried.code is ErrorCode.NO_POLICY
        assert isinstance(await policies.publish(stores.hub, OPERATOR, PolicyText(text="")), PolicyVersion)
        assert await lists(stores, actor) is None


async def test_the_hubs_policy_is_for_hub_admins_and_the_operator(stores: Stores) -> None:
    actor = await stores.account()
    for stranger in (actor, replace(actor, hub_role=HubRole.AUDITOR)):
        found = await policies.publish(stores.hub, stranger, PolicyText(text=""))
        assert isinstance(found, Refused)
        assert found.code is ErrorCode.NOT_FOUND
    assert isinstance(await policies.show(stores.hub, actor, WhichPolicy()), Refused)
    assert not isinstance(
        await policies.show(stores.hub, replace(actor, hub_role=HubRole.AUDITOR), WhichPolicy()), Refused
    )
    async with hub_policy_kept(stores):
        admin = replace(actor, hub_role=HubRole.ADMIN)
        assert isinstance(await policies.publish(stores.hub, admin, PolicyText(text="")), PolicyVersion)


@pytest.mark.parametrize(("role", "may"), [("owner", True), ("admin", True), ("approver", False), ("member", False)])
async def test_an_organisations_policy_is_for_those_who_rule_it(stores: Stores, role: str, may: bool) -> None:
    ruler, actor, stranger = await stores.account(), await stores.account(), await stores.account()
    scope = await organisation(stores, ruler)
    await join(stores, scope, actor, role)
    found = await policies.publish(stores.hub, actor, PolicyText(scope=scope, text=FORBID))
    assert isinstance(found, PolicyVersion) is may
    assert isinstance(await policies.show(stores.hub, actor, WhichPolicy(scope=scope)), list)
    assert isinstance(await policies.show(stores.hub, stranger, WhichPolicy(scope=scope)), Refused)
    assert (await lists(stores, ruler) is not None) is may
    assert await lists(stores, stranger) is None


async def test_an_organisation_cannot_permit(stores: Stores) -> None:
    actor = await stores.account()
    scope = await organisation(stores, actor)
    found = await policies.publish(
        stores.hub, actor, PolicyText(scope=scope, text='@id("all") permit(principal, action, resource);')
    )
    assert isinstance(found, Refused)
    assert "can only forbid" in found.reason


async def test_what_would_happen_if(stores: Stores) -> None:
    actor, other = await stores.account(), await stores.account()
    agent = await stores.agent(actor)

    async def asked(by: Actor, who: str, action: str) -> Explanation | Refused:
        return await try_policy.run(stores.hub, by, Question(actor=who, action=action, agent_id=agent))

    mine = await asked(actor, actor.jid, "agent.invoke")
    strangers = await asked(actor, other.jid, "agent.invoke")
    unknown = await asked(actor, actor.jid, "agent.explode")
    assert isinstance(mine, Explanation)
    assert isinstance(strangers, Explanation)
    assert isinstance(unknown, Explanation)
    assert (mine.decision, strangers.decision, unknown.code) == ("allow", "deny", "UNKNOWN_ACTION")
    assert isinstance(await asked(other, other.jid, "agent.invoke"), Refused)
    assert isinstance(await asked(OPERATOR, other.jid, "agent.invoke"), Explanation)
    mentioned = [row for row in await rows(stores, "gate.decision", other.jid) if row["action"] == Action.AGENT_INVOKE]
    assert mentioned == []


async def test_a_policy_that_speaks_of_roles_knows_them(stores: Stores) -> None:
    """Auditors of an organisation list no agents; its owner does."""
    owner, auditor = await stores.account(), await stores.account()
    scope = await organisation(stores, owner)
    await join(stores, scope, auditor, "auditor")
    text = FORBID.replace(";", ' when { context.roles.contains("auditor") };').replace("no lists", "a")
    assert isinstance(await policies.publish(stores.hub, owner, PolicyText(scope=scope, text=text)), PolicyVersion)
    assert await lists(stores, owner) is None
    no = await lists(stores, auditor)
    assert no is not None
    assert no.rules == ("organisation/a",)
