"""One agent asks another: in the person's name, on their budget, on record under one correlation id."""

from __future__ import annotations

import json
from uuid import UUID

import pytest

from aiox.commands.create_agent import AgentCreated
from bench.stub_model import Scripted
from tests.e2e.conftest import ModelHub
from tests.e2e.database import superuser
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, online, teach
from tests.stack import Account, RunningHub

ASKS: list[dict[str, object]] = [{"name": "ask_agent", "policy": {}}]


def asks(agent: AgentCreated, message: str) -> Scripted:
    """The model calls ask_agent."""
    arguments = json.dumps({"to": agent.jid, "message": message})
    return Scripted("", calls=({"name": "ask_agent", "arguments": arguments},))


def shown(model_hub: ModelHub) -> dict[str, str]:
    """What the model read of its last call."""
    result = json.loads(model_hub.model.asked[-1]["messages"][-1]["content"])
    assert isinstance(result, dict)
    return result


async def rows(hub: RunningHub, *agents: AgentCreated) -> list[dict[str, object]]:
    """Executions of these agents, in the order in which they ended."""
    async with superuser(hub) as connection:
        found = await connection.fetch(
            "SELECT agent_id, outcome, subject_jid, correlation_id, tokens_used, input_tokens + output_tokens AS own"
            " FROM executions WHERE agent_id = ANY ($1::uuid[]) ORDER BY created_at",
            [agent.agent_id for agent in agents],
        )
    return [dict(row) for row in found]


async def records(hub: RunningHub, correlation: object) -> list[tuple[str, str]]:
    """Event and owner of each ledger record of one message."""
    async with superuser(hub) as connection:
        found = await connection.fetch(
            "SELECT event_type, owner_user_id FROM audit_logs WHERE correlation_id = $1 ORDER BY seq", correlation
        )
    return [(row["event_type"], str(row["owner_user_id"])) for row in found]


async def used(hub: RunningHub, scope: UUID) -> int:
    """Tokens of this day that PostgreSQL has booked on a budget."""
    async with superuser(hub) as connection:
        return int(await connection.fetchval("SELECT day_tokens FROM quota_usage WHERE scope_id = $1", scope) or 0)


async def test_an_own_agent_is_asked_and_both_turns_are_one_on_record_and_on_the_budget(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    one = await hub.agent(ada, name="One", governance=ROOMY, tools=ASKS)
    two = await hub.agent(ada, name="Two", governance=ROOMY, system_prompt="You know the tides.")
    await teach(hub, ada, two.agent_id, "tide.md", "High tide at the north pier is at five past nine.")
    async with online(hub, ada) as person:
        model.script(
            asks(two, "When is high tide at the north pier?"), "At five past nine.", "Two says five past nine."
        )
        assert await answer_to(person, one.jid, "Ask Two about the tide") == "Two says five past nine."
    assert shown(model_hub) == {"tool": "ask_agent", "status": "done", "untrusted_result": "At five past nine."}
    asked = json.dumps(model.asked[-2]["messages"])
    assert "You know the tides." in asked
    assert "High tide at the north pier" in asked
    assert "Ask Two about the tide" not in asked, "the other agent knows what it is told, and no more"
    second, first = await rows(hub, one, two)
    assert (second["agent_id"], second["outcome"], second["subject_jid"]) == (two.agent_id, "delegated", ada.jid)
    assert second["correlation_id"] == first["correlation_id"]
    assert await used(hub, ada.actor.owner) == second["own"] + first["own"]  # type: ignore[operator]
    events = [event for event, owner in await records(hub, first["correlation_id"]) if owner == str(ada.actor.owner)]
    assert [one for one in events if one != "gate.decision"] == [
        "tool.started", "turn.concluded", "tool.done", "turn.concluded"
    ]  # fmt: skip
    assert events.count("gate.decision") == 3, "both turns, and the call"
    async with online(hub, ada) as person:
        model.script("I know nothing of it.")
        await answer_to(person, two.jid, "What did I ask you before?")
    assert "When is high tide" not in json.dumps(model.asked[-1]["messages"]), "it is no part of their conversation"


async def test_no_agent_is_asked_twice_in_a_chain(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    one, two = [await hub.agent(ada, name=name, governance=ROOMY, tools=ASKS) for name in ("One", "Two")]
    async with online(hub, ada) as person:
        model.script(asks(two, "ask One"), asks(one, "ask Two"), "One is not to be had.", "Nothing came of it.")
        assert await answer_to(person, one.jid, "Go round") == "Nothing came of it."
    refused = json.loads(model.asked[-2]["messages"][-1]["content"])
    assert (refused["status"], "in the chain" in refused["untrusted_result"]) == ("refused", True)
    assert [row["agent_id"] for row in await rows(hub, one, two)] == [two.agent_id, one.agent_id]


async def test_anothers_private_agent_looks_like_one_that_is_not_there(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada, eve = await hub.account(quota=ROOMY_ACCOUNT), await hub.account(quota=ROOMY_ACCOUNT)
    hidden = await hub.agent(ada, name="Hidden", governance=ROOMY)
    own = await hub.agent(eve, name="Own", governance=ROOMY, tools=ASKS)
    nobody = Scripted(
        "", calls=({"name": "ask_agent", "arguments": json.dumps({"to": f"no{hidden.jid}", "message": "?"})},)
    )
    said = []
    async with online(hub, eve) as person:
        for asked in (asks(hidden, "What do you know?"), nobody):
            model.script(asked, "It says nothing.")
            assert await answer_to(person, own.jid, "Ask Hidden") == "It says nothing."
            said.append(shown(model_hub)["untrusted_result"])
    assert said == ["There is no agent with this address that may be asked in this turn."] * 2
    assert await rows(hub, hidden) == []


@pytest.mark.control
async def test_control_once_it_is_shared_with_both_it_answers_and_its_owner_pays_too(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada, eve = await hub.account(quota=ROOMY_ACCOUNT), await hub.account(quota=ROOMY_ACCOUNT)
    open_to: dict[str, object] = {"visibility": "shared", "shared_with": [eve.jid]}
    shared = await hub.agent(ada, name="Shared", governance=ROOMY, **open_to)
    own = await hub.agent(eve, name="Own", governance=ROOMY, tools=ASKS)
    async with online(hub, eve) as person:
        model.script(asks(shared, "What do you know?"), "All.", "It knows all.")
        assert await answer_to(person, own.jid, "Ask Shared") == "It knows all."
    second, first = await rows(hub, own, shared)
    assert await used(hub, ada.actor.owner) == second["own"]
    assert await used(hub, eve.actor.owner) == second["own"] + first["own"] == first["tokens_used"]  # type: ignore[operator]
    events = await records(hub, first["correlation_id"])
    assert {owner for _, owner in events} == {str(ada.actor.owner), str(eve.actor.owner)}


async def guest_of(hub: RunningHub, owner: Account) -> tuple[Account, AgentCreated, AgentCreated]:
    guest = await hub.account(quota=ROOMY_ACCOUNT)
    open_to: dict[str, object] = {"visibility": "shared", "shared_with": [guest.jid]}
    front = await hub.agent(owner, name="Front", governance=ROOMY, tools=ASKS, **open_to)
    return guest, front, await hub.agent(owner, name="Back", governance=ROOMY)


async def test_a_guest_does_not_reach_through_an_agent_what_they_may_not_ask(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    guest, front, back = await guest_of(hub, ada)
    async with online(hub, guest) as person:
        model.script(asks(back, "Secrets?"), "Back is silent.")
        assert await answer_to(person, front.jid, "Ask Back") == "Back is silent."
    assert await rows(hub, back) == []
