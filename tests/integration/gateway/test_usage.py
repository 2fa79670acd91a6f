"""What an agent has used and cost, over the API and in the shell: sums by model, and unknown where nobody knows."""

from __future__ import annotations

from functools import partial
from uuid import UUID, uuid4

import pytest

from aiox.cli import agent_reports
from aiox.cli.agents import with_agent
from tests.integration.gateway.door import HttpDoor, Person


async def turn(
    door: HttpDoor,
    owner: Person,
    agent: str,
    model: str,
    tokens: int,
    cost: int | None,
    days_ago: int = 0,
    who: str = "a@b",
    outcome: str = "answered",
) -> None:
    """A concluded turn, as the orchestrator stores it."""
    async with door.stores.superuser() as connection:
        await connection.execute(
            "INSERT INTO executions (id, owner_user_id, agent_id, subject_jid, outcome, tokens_used, tools_called,"
            " worker_id, duration_ms, platform_latency_ms, worker_latency_ms, scoring, correlation_id, created_at,"
            " model, cost_nanousd) VALUES ($1, $2, $3, $9, $10, $4, '[]', 'w', 1, 1, 1, '{}', $5,"
            " clock_timestamp() - make_interval(days => $6), $7, $8)",
            uuid4(),
            owner.account.owner,
            UUID(agent),
            tokens,
            uuid4(),
            days_ago,
            model,
            cost,
            who,
            outcome,
        )


@pytest.fixture
async def ada(door: HttpDoor) -> Person:
    return await door.person()


@pytest.fixture
async def eve(door: HttpDoor) -> Person:
    return await door.person()


@pytest.fixture
async def agent(door: HttpDoor, ada: Person) -> str:
    """With turns of four kinds."""
    agent_id = str(await door.agent(ada))
    await turn(door, ada, agent_id, "gpt-4o", 1000, 2_500_000)
    await turn(door, ada, agent_id, "gpt-4o", 500, None)
    await turn(door, ada, agent_id, "local", 700, None)
    await turn(door, ada, agent_id, "offline", 9, 0)
    await turn(door, ada, agent_id, "gpt-4o", 4000, 1, days_ago=40)
    return agent_id


async def test_use_is_summed_up_by_model(door: HttpDoor, ada: Person, agent: str) -> None:
    answer = await door.client.get(f"/v1/agents/{agent}/usage", headers=ada.headers)
    rows = [tuple(one.values()) for one in answer.json()["items"]]
    assert rows == [("gpt-4o", 2, 1500, 2_500_000, 1), ("local", 1, 700, None, 1), ("offline", 1, 9, 0, 0)]
    longer = await door.client.get(f"/v1/agents/{agent}/usage?days=60", headers=ada.headers)
    assert longer.json()["items"][0]["tokens_used"] == 5500
    listed = await door.client.get(f"/v1/agents/{agent}/executions", headers=ada.headers)
    assert {(one["model"], one["cost_nanousd"]) for one in listed.json()["items"]} >= {("local", None), ("offline", 0)}


async def test_the_shell_says_what_is_unknown(door: HttpDoor, ada: Person, agent: str) -> None:
    email = ada.email
    said = await with_agent(door.stores.settings, email, agent, partial(agent_reports.used, days=30), deleted=False)
    first, *lines = said.splitlines()
    assert "costs are estimates" in first
    assert [line.split("  ")[-1] for line in lines] == [
        "0.002500 USD, and 1 turns unknown",
        "cost unknown",
        "0.000000 USD",
    ]
    nothing = await with_agent(
        door.stores.settings, email, str(await door.agent(ada)), partial(agent_reports.used, days=1), deleted=False
    )
    assert "was not asked anything" in nothing


@pytest.mark.parametrize("query", ["?days=0", "?days=367", "?days=x"])
async def test_a_time_that_is_none_is_refused(door: HttpDoor, ada: Person, agent: str, query: str) -> None:
    answer = await door.client.get(f"/v1/agents/{agent}/usage{query}", headers=ada.headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "BODY_INVALID")


async def test_a_foreign_agents_use_is_unknown(door: HttpDoor, eve: Person, agent: str) -> None:
    answer = await door.client.get(f"/v1/agents/{agent}/usage", headers=eve.headers)
    assert (answer.status_code, answer.json()["code"]) == (404, "NOT_FOUND")


async def test_the_use_of_all_agents_by_day_and_by_person(door: HttpDoor, ada: Person, eve: Person, agent: str) -> None:
    other = await door.agent(ada)
    await turn(door, ada, other, "gpt-4o", 100, 5, days_ago=2, who="c@d", outcome="QUOTA_EXCEEDED")
    await turn(door, eve, await door.agent(eve), "gpt-4o", 7, 1)
    answer = (await door.client.get("/v1/usage?days=7", headers=ada.headers)).json()
    today, earlier = [{one["day"] for one in answer["by_day"] if one["agent_id"] == which} for which in (agent, other)]
    assert len(today) == len(earlier) == 1
    assert min(earlier) < min(today)
    rows = [(one["agent_id"], one["turns"], one["tokens_used"], one["cost_nanousd"]) for one in answer["by_day"]]
    assert rows == [(other, 1, 100, 5), (agent, 4, 2209, 2_500_000)]
    assert answer["by_person"] == [
        {"subject_jid": "a@b", "turns": 4, "tokens_used": 2209, "cost_nanousd": 2_500_000, "refused": 0},
        {"subject_jid": "c@d", "turns": 1, "tokens_used": 100, "cost_nanousd": 5, "refused": 1},
    ]
    only_today = (await door.client.get("/v1/usage?days=1", headers=ada.headers)).json()
    assert [one["agent_id"] for one in only_today["by_day"]] == [agent]
    assert (await door.client.get("/v1/usage?days=0", headers=ada.headers)).status_code == 422
