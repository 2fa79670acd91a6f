"""An independent stack (@xmpp/client on Node): two devices, coming back, sleeping, and being woken by a push."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import uuid4

import pytest

from aiox.commands.create_agent import AgentCreated
from tests.e2e.node import NodeClient, node_device
from tests.e2e.people import GREETING, ROOMY, ROOMY_ACCOUNT
from tests.e2e.raw_client import device, name_of
from tests.stack import Account, RunningHub


@dataclass(frozen=True)
class Pair:
    owner: Account
    agent: AgentCreated


@pytest.fixture
async def pair(hub: RunningHub) -> Pair:
    owner = await hub.account(quota=ROOMY_ACCOUNT)
    return Pair(owner, await hub.agent(owner, governance=ROOMY))


def ask(client: NodeClient, agent: str, text: str) -> str:
    """Sends a question; returns its id."""
    message_id = str(uuid4())
    states = "<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>"
    client.send(f"<message to='{agent}' type='chat' id='{message_id}'><body>{text}</body>{states}</message>")
    return message_id


def receipted(client: NodeClient, message_id: str) -> bool:
    found = (one.find("{urn:xmpp:receipts}received") for one in client.got)
    return any(one is not None and one.get("id") == message_id for one in found)


async def archived(client: NodeClient, agent: str) -> list[str]:
    """The whole conversation as the archive has it, the greeting left out."""
    query, field = str(uuid4()), "<field var='{}'><value>{}</value></field>"
    form = field.format("FORM_TYPE", "urn:xmpp:mam:2") + field.format("with", agent)
    client.send(
        f"<iq type='set' id='{query}'><query xmlns='urn:xmpp:mam:2' queryid='{query}'>"
        f"<x xmlns='jabber:x:data' type='submit'>{form}</x></query></iq>"
    )
    await client.until(lambda: any(one.get("id") == query for one in client.got))
    results = [one.find("{urn:xmpp:mam:2}result") for one in client.got]
    mine = [one for one in results if one is not None and one.get("queryid") == query]
    bodies = [body for one in mine for inner in one.iter() if (body := inner.findtext("{jabber:client}body"))]
    return [one for one in bodies if not one.startswith(GREETING)]


async def test_each_device_has_each_message_once_and_history_is_whole(hub: RunningHub, pair: Pair) -> None:
    agent = pair.agent.jid
    async with node_device(hub, pair.owner, "phone") as phone, node_device(hub, pair.owner, "laptop") as laptop:
        for number in (1, 2):
            ask(phone, agent, f"question {number}")
            for one in (phone, laptop):
                await one.until(lambda one=one, number=number: len(one.bodies(agent)) >= number)  # type: ignore[misc]
        shown = phone.bodies(agent)
        assert laptop.bodies(agent) == shown
        assert len(shown) == 2, "none of them twice"
        third = ask(laptop, agent, "question 3")
        await laptop.until(lambda: receipted(laptop, third))
        await laptop.stop()
        await phone.until(lambda: len(phone.shown(agent)) == 3)
    async with node_device(hub, pair.owner, "later") as later:
        bodies = await archived(later, agent)
    asked = [one for one in bodies if one.startswith("question ")]
    assert asked == ["question 1", "question 2", "question 3"]
    assert [one for one in bodies if one not in asked] == phone.shown(agent)


async def test_a_client_that_was_asleep_gets_the_whole_answer_once(hub: RunningHub, pair: Pair) -> None:
    agent = pair.agent.jid
    async with device(hub, pair.owner, "desk") as desk, node_device(hub, pair.owner, "phone") as phone:
        question = ask(phone, agent, "wake me")
        await phone.until(lambda: receipted(phone, question))
        phone.sleep()
        answer = await desk.until(lambda got: got.find("{urn:aiox:turn:0}turn") is not None)
        phone.wake()
        await phone.until(lambda: len(phone.bodies(agent)) >= 1)
        assert await archived(phone, agent) == ["wake me", answer.findtext("{*}body")]
        assert phone.bodies(agent) == [answer.findtext("{*}body")]


async def test_one_who_is_offline_is_woken_once_and_finds_the_whole_answer(hub: RunningHub, pair: Pair) -> None:
    """Push (XEP-0357): the server tells the client's push service; there is one push for one answer."""
    agent, service = pair.agent.jid, await hub.account()
    async with device(hub, service, "push") as pushes:
        async with node_device(hub, pair.owner, "phone") as phone:
            enable = f"<enable xmlns='urn:xmpp:push:0' jid='{pushes.jid}' node='phone-1'/>"
            phone.send(f"<iq type='set' id='push'>{enable}</iq>")
            await phone.until(lambda: any(one.get("id") == "push" for one in phone.got))
            await phone.until(lambda: any("Hello, I am" in one for one in phone.said))
            ask(phone, agent, "call me")
            await phone.stop()
        await pushes.until(lambda got: name_of(got) == "iq" and got.find(".//{*}publish[@node='phone-1']") is not None)
        async with node_device(hub, pair.owner, "phone") as phone:
            await phone.until(lambda: len(phone.bodies(agent)) >= 1)
            assert await archived(phone, agent) == ["call me", *phone.bodies(agent)]
            assert len(phone.bodies(agent)) == 1
        told = [got for got in pushes.got if got.find(".//{*}publish[@node='phone-1']") is not None]
        assert len(told) == 1
