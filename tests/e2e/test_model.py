"""A real provider over HTTP: what it gets to read, and how its failures look to the person who asked."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from datetime import datetime
from typing import cast

import aiohttp
import pytest

from aiox.cli.stack.services import health_port
from aiox.commands import chat_choices, list_executions, preferences
from aiox.commands.list_executions import ListExecutions
from aiox.commands.preferences import SetPreferences
from aiox.kernel.preferences import Tone
from bench.stub_model import Scripted
from registry.executions import ExecutionSummary
from tests.e2e.conftest import ModelHub
from tests.e2e.database import superuser
from tests.e2e.over_http import events_of, signed_in, until_ended
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, online, shape, teach


async def test_the_model_gets_prompt_history_and_passages_and_its_words_come_back(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account()
    agent = await hub.agent(ada, system_prompt="You are the harbour master.")
    await teach(hub, ada, agent.agent_id, "tide.md", "High tide at the north pier is at five past nine.")
    async with online(hub, ada) as person:
        model.script("Good morning.", "At five past nine.")
        assert await answer_to(person, agent.jid, "Good day to you") == "Good morning."
        assert await answer_to(person, agent.jid, "When is high tide at the north pier?") == "At five past nine."
    sent = json.dumps(model.asked[-1]["messages"])
    for part in ("harbour master", "Good day to you", "Good morning.", "five past nine", "When is high tide"):
        assert part in sent
    assert model.keys[-1] == "sk-stub"


async def test_what_an_answer_cost_stands_in_its_execution_and_in_the_workers_figures(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account()
    agent = await hub.agent(ada)
    async with online(hub, ada) as person:
        model.script("It costs money.", Scripted("no", status=401))
        await answer_to(person, agent.jid, "What do you cost?")
        person.say(agent.jid, "And now?", "refused")
        await person.error_for("refused")
        async with hub.commands() as commands:
            asked = ListExecutions(agent_id=agent.agent_id)
            refused, answered = cast("list[ExecutionSummary]", await list_executions.run(commands, ada.actor, asked))
    assert (answered.model, answered.output_tokens) == ("stub", 3)
    assert answered.cost_nanousd == answered.input_tokens * 1000 + 3 * 2000 > 0
    assert (refused.outcome, refused.model, refused.tokens_used, refused.cost_nanousd) == ("AUTH_ERROR", "stub", 0, 0)
    port = health_port(hub.settings.ports, "ai_worker")
    async with aiohttp.ClientSession() as session, session.get(f"http://127.0.0.1:{port}/metrics") as figures:
        said = await figures.text()
    for line in (
        'llm_requests_total{model="stub",outcome="AUTH_ERROR",provider="openai"}',
        'llm_errors_total{code="AUTH_ERROR",model="stub",provider="openai"}',
        'llm_cost_usd_total{model="stub",provider="openai"}',
        'llm_circuit_breaker_state{model="stub",provider="openai"} 0.0',
        'aiox_llm_inference_time_count{model="stub",provider="openai"}',
    ):
        assert line in said


PLACE = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


async def test_an_agent_that_promises_a_form_keeps_it_or_says_that_it_could_not(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account()
    agent = await hub.agent(ada, llm_config={"response_schema": PLACE})
    async with online(hub, ada) as person:
        model.script("Porto, of course.", '```json\n{"city": "Porto"}\n```')
        assert json.loads(await answer_to(person, agent.jid, "Which city?")) == {"city": "Porto"}
        assert model.asked[-1]["response_format"]["json_schema"]["schema"] == PLACE
        assert "Porto, of course." in json.dumps(model.asked[-1]["messages"])
        model.script("Porto.", "Porto!")
        person.say(agent.jid, "Again?", "formless")
        assert "another form" in shape(await person.error_for("formless"), hide=())


async def test_one_message_may_ask_for_a_form_of_its_own(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account()
    agent = await hub.agent(ada, llm_config={"response_schema": PLACE})
    name = {"type": "object", "properties": {"name": {"type": "string"}}, "required": ["name"]}
    body = {"text": "Who?", "response_schema": name}
    async with signed_in(hub, ada) as client:
        model.script('{"city": "Porto"}', '{"name": "Inês"}')
        events = await events_of(client, "POST", f"/v1/agents/{agent.agent_id}/messages", body)
        assert json.loads(events[-1][1]["answer"]["text"]) == {"name": "Inês"}
        assert "Porto" not in json.dumps([data for _, data in events])
        assert model.asked[-1]["response_format"]["json_schema"]["schema"] == name
        model.script("Inês", "Inês again")
        events = await events_of(client, "POST", f"/v1/agents/{agent.agent_id}/messages", body)
        assert (events[-1][0], events[-1][1]["error"]["code"]) == ("error", "ANSWER_INVALID")
        model.script('{"city": "Porto"}')
        events = await events_of(client, "POST", f"/v1/agents/{agent.agent_id}/messages", {"text": "Where?"})
        assert json.loads(events[-1][1]["answer"]["text"]) == {"city": "Porto"}


async def test_what_xml_cannot_carry_is_taken_out_of_a_models_answer(model_hub: ModelHub) -> None:
    ada = await model_hub.hub.account()
    agent = await model_hub.hub.agent(ada)
    async with online(model_hub.hub, ada) as person:
        model_hub.model.script("before\x00\x0b\x1f\ufffe <b>&amp; after ]]>")
        answer = await answer_to(person, agent.jid, "say something odd")
        assert answer.startswith("before")
        assert answer.endswith("<b>&amp; after ]]>")
        assert "still there" in await answer_to(person, agent.jid, "are you still there")


async def test_the_model_is_told_what_the_person_prefers_whoever_owns_the_agent(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada, bob = await hub.account(), await hub.account()
    agent = await hub.agent(ada, visibility="public")
    async with hub.commands() as commands:
        await preferences.put(commands, bob.actor, SetPreferences(tone=Tone.FORMAL, language="pt-BR"))
    for who, told in ((bob, True), (ada, False)):
        async with online(hub, who) as person:
            await answer_to(person, agent.jid, "Good day to you")
        system = model.asked[-1]["messages"][0]["content"]
        assert ("formal tone" in system, "pt-BR" in system) == (told, told)


@pytest.mark.parametrize(
    ("failure", "code"),
    [
        (Scripted("no", status=401), "AUTH_ERROR"),
        (Scripted("bad", status=400), "PROVIDER_ERROR"),
        (Scripted("", usage=False), "EMPTY_ANSWER"),
    ],
)
async def test_a_model_that_fails_ends_in_a_clear_error_and_the_next_turn_works(
    model_hub: ModelHub, failure: Scripted, code: str
) -> None:
    ada = await model_hub.hub.account()
    agent = await model_hub.hub.agent(ada)
    async with online(model_hub.hub, ada) as person:
        model_hub.model.script(failure)
        error = await person.error_for(person.say(agent.jid, "fail, please"))
        assert code in shape(error, hide=())
        assert "work again" in await answer_to(person, agent.jid, "and work again")


async def test_usage_is_what_the_provider_counted(model_hub: ModelHub) -> None:
    hub = model_hub.hub
    ada = await hub.account()
    agent = await hub.agent(ada)
    async with online(hub, ada) as person:
        model_hub.model.script("one two three")
        await answer_to(person, agent.jid, "count")
    asked = model_hub.model.asked[-1]["messages"]
    words = sum(len(message["content"].split()) for message in asked) + 3
    async with hub.commands() as commands:
        booked = await commands.pool.fetchval(
            "SELECT details -> 'tokens_used' FROM ledger_read(0, 100000) WHERE event_type = 'turn.concluded'"
            " AND details ->> 'agent_id' = $1",
            str(agent.agent_id),
        )
    assert int(booked) == words


async def test_a_model_that_is_not_on_the_list_comes_through_no_door(model_hub: ModelHub) -> None:
    """Neither over HTTP, nor in a turn of an agent that was made past the door."""
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account()
    agent = {"profile": {"name": "Ada"}}
    good, bad = {"provider": "openai", "model": "stub-2"}, {"provider": "openai", "model": "large"}
    async with signed_in(hub, ada) as client:
        for config, code in (
            (good, ""),
            (bad, "PROVIDER_NOT_ALLOWED"),
            ({**good, "fallbacks": [bad]}, "PROVIDER_NOT_ALLOWED"),
        ):
            made = await client.post("/v1/agents", json={**agent, "llm_config": config})
            assert made.json().get("code", "") == code, made.text
            assert made.is_success is not bool(code)
        (listed,) = (await client.get("/v1/agents")).json()["items"]
        where = f"/v1/agents/{listed['agent_id']}"
        edited = await client.patch(where, json={"llm_config": bad})
        assert edited.json()["code"] == "PROVIDER_NOT_ALLOWED"
        past_the_door = await hub.agent(ada, llm_config=bad)
        asked = model.count
        answer = await client.post(f"/v1/agents/{past_the_door.agent_id}/messages", json={"text": "hello"})
        turn = await until_ended(client, answer.headers["location"])
        assert turn["error"]["code"] == "PROVIDER_NOT_ALLOWED"
        assert model.count == asked


async def test_over_http_an_agent_is_kept_quiet_and_a_conversation_begun_anew(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada, eve = await hub.account(quota=ROOMY_ACCOUNT), await hub.account()
    agent = await hub.agent(ada, governance=ROOMY)
    path = f"/v1/agents/{agent.agent_id}"
    async with signed_in(hub, ada) as client, signed_in(hub, eve) as stranger:
        for text in ("My cat is called Inês", "And now?"):
            await events_of(client, "POST", f"{path}/messages", {"text": text})
        assert "Inês" in json.dumps(model.asked[-1]["messages"], ensure_ascii=False)
        asked = model.count
        begun = await client.post(f"{path}/reset")
        assert begun.status_code == 202
        turn = await until_ended(client, begun.headers["location"])
        assert (turn["answer"]["text"], model.count) == (chat_choices.RESET, asked)
        await events_of(client, "POST", f"{path}/messages", {"text": "What is my cat called?"})
        assert "Inês" not in json.dumps(model.asked[-1]["messages"], ensure_ascii=False)
        muted = await client.put(f"{path}/mute", json={"minutes": 30})
        async with superuser(hub) as connection:
            kept = await connection.fetchval("SELECT muted_until FROM chat_choices WHERE agent_id = $1", agent.agent_id)
        assert datetime.fromisoformat(muted.json()["muted_until"]) == kept
        assert (await client.put(f"{path}/mute", json={"minutes": 0})).json() == {"muted_until": None}
        assert (await client.put(f"{path}/mute", json={"minutes": 43_201})).json()["code"] == "BODY_INVALID"
        for refused in (await stranger.post(f"{path}/reset"), await stranger.put(f"{path}/mute", json={"minutes": 1})):
            assert (refused.status_code, refused.json()["code"]) == (404, "NOT_FOUND")


async def test_a_key_goes_to_the_provider_with_its_owners_questions_only(model_hub: ModelHub) -> None:
    """Two owners with keys of their own and one without ask at the same time."""
    hub, model = model_hub.hub, model_hub.model
    people = [await hub.account(quota=ROOMY_ACCOUNT) for _ in range(3)]
    agents = [await hub.agent(one, governance=ROOMY) for one in people]
    keys = {one.jid: f"sk-{one.jid}" for one in people[:2]} | {people[2].jid: "sk-stub"}
    before = len(model.asked)
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(signed_in(hub, one)) for one in people]
        for one, client in zip(people[:2], clients, strict=False):
            said = {"mode": "custom", "secret": keys[one.jid], "api_base": model.url}
            put = await client.put("/v1/credentials/llm/openai", json=said)
            assert put.json().get("status") == "valid", put.text
        asking = [
            events_of(client, "POST", f"/v1/agents/{agent.agent_id}/messages", {"text": f"{one.jid} asks, {number}"})
            for number in range(4)
            for one, client, agent in zip(people, clients, agents, strict=True)
        ]
        await asyncio.gather(*asking)
    came = [(json.dumps(one["messages"]), key) for one, key in zip(model.asked, model.keys, strict=True)][before:]
    assert len(came) == len(asking)
    for text, key in came:
        assert [keys[one.jid] for one in people if one.jid in text] == [key]
