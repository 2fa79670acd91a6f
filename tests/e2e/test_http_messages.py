"""Asking over HTTP: the same path as a stanza, through every real part; the answer comes back here and nowhere else."""

from __future__ import annotations

import asyncio
from uuid import UUID

from aiox.cli.traces import read_trace
from aiox.runtime.steps import Step
from tests.e2e.database import superuser
from tests.e2e.over_http import SOON_S, events_of, signed_in, until_ended
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, online, shape, teach
from tests.integration.gateway.test_agents import SPEC_2
from tests.stack import RunningHub


async def traced(hub: RunningHub, turn: str) -> set[str]:
    """The names of the turn's spans, once the last of them is written."""
    async with asyncio.timeout(SOON_S):
        while True:
            names = {span.name for span in read_trace(hub.home.traces, turn)}
            if str(Step.ADMITTED) in names and str(Step.RECORDED) in names:
                return names
            await asyncio.sleep(0.1)


async def test_a_question_over_http_is_answered_live_and_leaves_what_a_stanza_leaves(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    await teach(hub, ada, agent.agent_id, "tea.md", "# Tea\n\nGreen tea is brewed at seventy degrees for two minutes.")
    async with signed_in(hub, ada) as client:
        path = f"/v1/agents/{agent.agent_id}"
        events = await events_of(client, "POST", f"{path}/messages", {"text": "At how many degrees is tea brewed?"})
        assert [name for name, _ in events][:2] == ["state", "state"]
        states = [data["state"] for name, data in events if name == "state"]
        assert [one for one in states if one != "restarted"] == ["accepted", "thinking"]
        last, turn = events[-1]
        assert (last, turn["state"]) == ("answer", "answered")
        assert "seventy degrees" in turn["answer"]["text"]
        assert turn["answer"]["sources"][0]["title"] == "tea.md"
        pieces = "".join(data["text"] for name, data in events if name == "delta")
        assert turn["answer"]["text"].startswith(pieces)
        assert (await client.get(f"/v1/turns/{turn['turn_id']}")).json() == turn
        again = await events_of(client, "GET", f"/v1/turns/{turn['turn_id']}")
        assert again == [("state", {"turn_id": turn["turn_id"], "state": "answered"}), ("answer", turn)]
        async with online(hub, ada) as person:
            await answer_to(person, agent.jid, "and by XMPP?")
        history = (await client.get(f"{path}/history")).json()["items"]
        assert [one["said"] for one in history] == ["and by XMPP?", "At how many degrees is tea brewed?"]
        assert history[1]["answered"] == turn["answer"]["text"]
        executions = (await client.get(f"{path}/executions")).json()["items"]
        assert {one["outcome"] for one in executions} == {"answered"}
    steps = await traced(hub, turn["turn_id"])
    assert {str(Step.ADMITTED), str(Step.OWNERSHIP), str(Step.THOUGHT), str(Step.RECORDED)} <= steps
    assert str(Step.REPLIED) not in steps
    async with superuser(hub) as connection:
        rows = await connection.fetch(
            "SELECT event_type, actor FROM audit_logs WHERE correlation_id = $1 ORDER BY seq",
            UUID(turn["correlation_id"]),
        )
        assert [tuple(row) for row in rows] == [("gate.decision", ada.jid), ("turn.concluded", ada.jid)]
        turn_id = UUID(turn["turn_id"])
        assert await connection.fetchval("SELECT count(*) FROM outbox WHERE turn_id = $1", turn_id) == 0
        assert await connection.fetchval("SELECT outcome FROM inbox WHERE turn_id = $1", turn_id) == "answered"


async def test_the_agent_of_the_specification_is_taken_as_it_stands_and_answers(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    async with signed_in(hub, ada) as client:
        made = await client.post("/v1/agents", json=SPEC_2)
        assert made.status_code == 201, made.text
        asked = await client.post(f"{made.headers['location']}/messages", json={"text": "Good day."})
        turn = await until_ended(client, asked.headers["location"])
    assert turn["state"] == "answered", turn


async def test_questions_in_quick_succession_have_an_answer_each_in_order(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    async with signed_in(hub, ada) as client:
        where = [
            (await client.post(f"/v1/agents/{agent.agent_id}/messages", json={"text": f"question {number}"})).headers
            for number in range(5)
        ]
        turns = [await until_ended(client, headers["location"]) for headers in where]
    assert [turn["state"] for turn in turns] == ["answered"] * 5
    ended = [turn["ended_at"] for turn in turns]
    assert ended == sorted(ended)


async def test_a_guest_asks_and_the_owner_does_not_read_it(hub: RunningHub) -> None:
    ada, eve = await hub.account(), await hub.account()
    agent = await hub.agent(ada, visibility="shared", shared_with=[eve.jid])
    async with signed_in(hub, eve) as guest, signed_in(hub, ada) as owner:
        asked = await guest.post(f"/v1/agents/{agent.agent_id}/messages", json={"text": "between us"})
        turn = await until_ended(guest, asked.headers["location"])
        assert turn["state"] == "answered"
        for client, expected in ((guest, ["between us"]), (owner, [])):
            items = (await client.get(f"/v1/agents/{agent.agent_id}/history")).json()["items"]
            assert [one["said"] for one in items] == expected
        assert (await owner.get(asked.headers["location"])).status_code == 404
        counted = (await owner.get(f"/v1/agents/{agent.agent_id}/executions")).json()["items"]
        assert [one["subject_jid"] for one in counted] == [eve.jid]
        assert "between us" not in str(counted)


async def test_a_quota_that_does_not_suffice_is_said_with_its_limit(hub: RunningHub) -> None:
    ada = await hub.account(quota={"tokens_per_minute": 10})
    agent = await hub.agent(ada)
    async with signed_in(hub, ada) as client:
        asked = await client.post(f"/v1/agents/{agent.agent_id}/messages", json={"text": "x" * 1000})
        turn = await until_ended(client, asked.headers["location"])
    assert (turn["state"], turn["error"]["code"]) == ("failed", "QUOTA_EXCEEDED")
    assert "minute" in turn["error"]["detail"]


async def test_state_events_reach_who_watches_and_who_comes_back(hub: RunningHub) -> None:
    ada = await hub.account()
    async with signed_in(hub, ada) as client:
        seen: list[tuple[str, str]] = []
        async with client.stream("GET", "/v1/events") as answer, asyncio.timeout(SOON_S):
            lines = answer.aiter_lines()
            assert await anext(lines) == "event: ready"
            agent = await hub.agent(ada)
            asked = await client.post(f"/v1/agents/{agent.agent_id}/messages", json={"text": "hello"})
            async for line in lines:
                if line.startswith("event: "):
                    seen.append((line.removeprefix("event: "), ""))
                elif line.startswith("id: ") and seen:
                    seen[-1] = (seen[-1][0], line.removeprefix("id: "))
                elif line == "" and seen and seen[-1][0] == "asked_turn.answered":
                    break
        assert [name for name, _ in seen] == ["agent.created", "asked_turn.accepted", "asked_turn.answered"]
        assert asked.status_code == 202
        headers = {"Last-Event-ID": seen[0][1]}
        missed: list[str] = []
        async with client.stream("GET", "/v1/events", headers=headers) as answer, asyncio.timeout(SOON_S):
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    missed.append(line.removeprefix("event: "))
                if len(missed) == 3:
                    break
    assert missed == ["ready", "asked_turn.accepted", "asked_turn.answered"]


async def test_both_doors_spend_of_one_budget_of_messages(hub: RunningHub) -> None:
    """With an agent for each door: what is asked at one does not wait for the other's, and the minute is not over."""
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent, other = [await hub.agent(ada, governance=ROOMY) for _ in range(2)]
    async with signed_in(hub, ada) as client, online(hub, ada) as person:
        path = f"/v1/agents/{agent.agent_id}/messages"
        for number in range(17):
            asked = await client.post(path, json={"text": f"question {number}"})
            assert asked.status_code == 202, asked.text
        for number in range(3):
            await answer_to(person, other.jid, f"stanza {number}")
        assert "resets in" in (text := shape(await person.error_for(person.say(other.jid, "one more")), hide=()))
        assert "RATE_LIMITED" in text
        over = await client.post(path, json={"text": "and one more"})
        assert (over.status_code, over.json()["code"]) == (429, "RATE_LIMITED")
        assert int(over.headers["retry-after"]) > 0
        assert "/cancel" in await answer_to(person, other.jid, "/help"), "commands cost nothing"
