"""Cancelling a turn, by both doors: the model call ends, what it used is counted, and the person is told once."""

from __future__ import annotations

import asyncio
from uuid import UUID

import pytest

from aiox.cli import turns
from aiox.cli.stack.trouble import CannotGoOn
from bench.stub_model import Scripted
from tests.e2e.conftest import ModelHub
from tests.e2e.database import superuser
from tests.e2e.over_http import events_of, signed_in, until_ended
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, online, shape
from tests.stack import RunningHub

PATIENCE_S = 60.0


async def asked_of(model_hub: ModelHub, before: int) -> None:
    """Returns when the model was asked once more."""
    async with asyncio.timeout(PATIENCE_S):
        while model_hub.model.count <= before:
            await asyncio.sleep(0.01)


async def gone_from(model_hub: ModelHub, before: int) -> None:
    """Returns when one more request was given up by who asked: the call itself has ended."""
    async with asyncio.timeout(PATIENCE_S):
        while model_hub.model.gone <= before:
            await asyncio.sleep(0.01)


async def recorded(hub: RunningHub, turn: str) -> tuple[str, int, int, int]:
    """Outcome and tokens of a turn's execution, its booked tokens in the ledger, and how often it was concluded."""
    async with superuser(hub) as connection:
        execution = await connection.fetchrow(
            "SELECT e.outcome, e.tokens_used FROM executions e JOIN inbox i USING (correlation_id)"
            " WHERE i.turn_id = $1",
            UUID(turn),
        )
        rows = await connection.fetch(
            "SELECT details FROM audit_logs WHERE event_type = 'turn.concluded' AND request_id = $1", UUID(turn)
        )
        booked = await connection.fetchval(
            "SELECT (details -> 'tokens_used')::bigint FROM audit_logs"
            " WHERE event_type = 'turn.concluded' AND request_id = $1",
            UUID(turn),
        )
    assert execution is not None
    return execution["outcome"], int(execution["tokens_used"]), int(booked), len(rows)


async def test_a_turn_over_http_is_cancelled_while_the_model_speaks(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada, eve = await hub.account(quota=ROOMY_ACCOUNT), await hub.account()
    agent = await hub.agent(ada, governance=ROOMY)
    async with signed_in(hub, ada) as client, signed_in(hub, eve) as stranger:
        model.script(Scripted("one two three", breaks="stall"))
        before, gone = model.count, model.gone
        made = await client.post(f"/v1/agents/{agent.agent_id}/messages", json={"text": "count, please"})
        where, turn = made.headers["location"], made.json()["turn_id"]
        listening = asyncio.create_task(events_of(client, "GET", where))
        await asked_of(model_hub, before)
        assert (await stranger.delete(where)).status_code == 404
        assert (await client.delete(where)).status_code == 202
        await gone_from(model_hub, gone)
        events = await listening
        assert events[-1][0] == "error"
        assert events[-1][1]["error"]["code"] == "CANCELLED"
        ended = await until_ended(client, where)
        again = await client.delete(where)
        assert (again.status_code, again.json()) == (202, ended)
        outcome, used, booked, times = await recorded(hub, turn)
        assert (outcome, times) == ("CANCELLED", 1)
        assert used == booked == ended["tokens_used"]
        assert used > 0
        answered = await client.post(f"/v1/agents/{agent.agent_id}/messages", json={"text": "and now"})
        assert (await until_ended(client, answered.headers["location"]))["state"] == "answered"


async def test_a_turn_that_waits_behind_another_is_cancelled_before_it_costs_anything(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    async with signed_in(hub, ada) as client:
        before = model.count
        path = f"/v1/agents/{agent.agent_id}/messages"
        with model.held():
            first = (await client.post(path, json={"text": "first"})).headers["location"]
            await asked_of(model_hub, before)
            second = await client.post(path, json={"text": "second"})
            turn = UUID(second.json()["turn_id"])
            with pytest.raises(CannotGoOn):
                await turns.cancel(hub.settings, (await hub.account()).jid, turn)
            assert "stops" in await turns.cancel(hub.settings, ada.jid, turn), "the shell does what DELETE does"
        assert (await until_ended(client, first))["state"] == "answered"
        ended = await until_ended(client, second.headers["location"])
        assert (ended["error"]["code"], ended["tokens_used"]) == ("CANCELLED", 0)
        assert model.count == before + 1
        assert "stays as it is" in await turns.cancel(hub.settings, ada.jid, turn)


async def test_cancel_in_a_chat_stops_what_is_ahead_of_it(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    async with online(hub, ada) as person:
        model.script(Scripted("well", breaks="stall"))
        before, gone = model.count, model.gone
        asked = person.say(agent.jid, "think about it")
        await asked_of(model_hub, before)
        assert "under way" in await answer_to(person, agent.jid, "/cancel")
        assert "CANCELLED" in shape(await person.error_for(asked), hide=())
        await gone_from(model_hub, gone)
        assert "go on" in await answer_to(person, agent.jid, "go on")
        assert "under way" in await answer_to(person, agent.jid, "/cancel")
