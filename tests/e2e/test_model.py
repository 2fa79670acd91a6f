"""A real provider over HTTP: what it gets to read, and how its failures look to the person who asked."""

from __future__ import annotations

import json

import pytest

from aiox.commands import preferences
from aiox.commands.preferences import SetPreferences
from aiox.kernel.preferences import Tone
from bench.stub_model import Scripted
from tests.e2e.conftest import ModelHub
from tests.e2e.people import answer_to, online, shape, teach


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
