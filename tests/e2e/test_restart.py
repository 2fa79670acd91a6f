"""Processes come and go; what was said and learnt stays."""

from __future__ import annotations

import json
import os
import signal

from policy.ledger import Fault
from registry import ledger
from tests.e2e.conftest import ModelHub
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, online, shape


async def test_after_a_restart_of_all_processes_the_conversation_goes_on(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    async with online(hub, ada) as person:
        model.script("I wrote that down: teal.", "Noted.")
        await answer_to(person, agent.jid, "Remember that my favourite colour is teal.")
        await answer_to(person, agent.jid, "We were talking about lighthouses.")
    await hub.restart()
    async with online(hub, ada) as person:
        model.script("Lighthouses, and teal.")
        assert await answer_to(person, agent.jid, "What is my favourite colour?") == "Lighthouses, and teal."
    sent = json.dumps(model.asked[-1]["messages"])
    assert "We were talking about lighthouses." in sent  # short-term memory
    assert "favourite colour is teal" in sent  # long-term memory, and the history
    async with hub.commands() as commands:
        assert not isinstance(await ledger.verify_chain(commands.pool), Fault)


async def test_a_worker_that_is_down_is_said_so_and_the_next_one_answers(model_hub: ModelHub) -> None:
    hub = model_hub.hub
    ada = await hub.account()
    agent = await hub.agent(ada)
    worker = hub.pids()["ai_worker"]
    async with online(hub, ada) as person:
        os.kill(worker, signal.SIGSTOP)
        try:
            error = await person.error_for(person.say(agent.jid, "is anybody thinking?"))
        finally:
            os.kill(worker, signal.SIGCONT)
        assert "WORKER_UNAVAILABLE" in shape(error, hide=())
        assert "back" in await answer_to(person, agent.jid, "and back again")
