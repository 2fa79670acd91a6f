"""A conversation as clients see it: on two devices, after coming back, in the archive; each message once."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from uuid import uuid4
from xml.etree.ElementTree import Element

import pytest

from aiox.commands.create_agent import AgentCreated
from tests.e2e.people import GREETING, ROOMY, ROOMY_ACCOUNT
from tests.e2e.raw_client import RawClient, device, name_of
from tests.stack import Account, RunningHub

TURN = "{urn:aiox:turn:0}turn"
FORWARDED = "{urn:xmpp:forward:0}forwarded"


@dataclass(frozen=True)
class Pair:
    owner: Account
    agent: AgentCreated


@pytest.fixture
async def pair(hub: RunningHub) -> Pair:
    owner = await hub.account(quota=ROOMY_ACCOUNT)
    return Pair(owner, await hub.agent(owner, governance=ROOMY))


def ask(client: RawClient, agent: str, body: str, message_id: str) -> None:
    client.send(
        f"<message to='{agent}' type='chat' id='{message_id}'><body>{body}</body>"
        "<request xmlns='urn:xmpp:receipts'/><markable xmlns='urn:xmpp:chat-markers:0'/>"
        "<active xmlns='http://jabber.org/protocol/chatstates'/></message>"
    )


def answers(client: RawClient, agent: str) -> list[Element]:
    """What the agent said to this device, by itself or as a copy of what another device got."""
    own = [got for got in client.got if name_of(got) == "message" and got.get("from", "").startswith(agent)]
    copies = [inner for got in client.got for inner in got.iter("{jabber:client}message") if inner is not got]
    return [one for one in (*own, *copies) if one.find("{*}body") is not None and one.find(TURN) is not None]


async def answer(client: RawClient, agent: str, number: int = 1) -> Element:
    await client.until(lambda _: len(answers(client, agent)) >= number)
    return answers(client, agent)[number - 1]


def greets(got: Element) -> bool:
    """Whether the agent introduces itself: whenever the component finds that it is new."""
    return (got.findtext("{jabber:client}body") or "").startswith(GREETING)


async def test_signs_come_in_order_and_the_answer_carries_its_turn(hub: RunningHub, pair: Pair) -> None:
    async with device(hub, pair.owner) as phone:
        ask(phone, pair.agent.jid, "hello there", "q1")
        found = await answer(phone, pair.agent.jid)
        turn = found.find(TURN)
        assert turn is not None
        assert turn.get("version") == "1"
        assert int(turn.get("worker-ms", "")) >= 0
        assert int(turn.get("tokens", "")) > 0
        assert found.find("{urn:aiox:hops:0}hops") is not None
        assert found.find("{urn:xmpp:sid:0}stanza-id") is not None, "it is in the archive"
        messages = [got for got in phone.got if name_of(got) == "message" and not greets(got)]
        signs = [inner.tag for got in messages for inner in got]
        wanted = [
            "{urn:xmpp:receipts}received",
            "{urn:xmpp:chat-markers:0}displayed",
            "{http://jabber.org/protocol/chatstates}composing",
        ]
        ends = {"{jabber:client}body", "{http://jabber.org/protocol/chatstates}active"}
        seen = [tag for tag in signs if tag in ends.union(wanted)]
        assert seen[:3] == wanted
        assert set(seen[3:]) - {wanted[-1]} == ends, "that it is composing is said again when it takes long"


async def test_each_device_sees_each_message_once(hub: RunningHub, pair: Pair) -> None:
    async with device(hub, pair.owner, "phone") as phone, device(hub, pair.owner, "laptop") as laptop:
        for one in (phone, laptop):
            await one.ask(pair.owner.jid, "<enable xmlns='urn:xmpp:carbons:2'/>", "set")
        for number in (1, 2, 3):
            ask(phone, pair.agent.jid, f"question {number}", f"q{number}")
            await answer(phone, pair.agent.jid, number)
            await answer(laptop, pair.agent.jid, number)
        await phone.ask(pair.agent.jid, "<ping xmlns='urn:xmpp:ping'/>")
        await laptop.ask(pair.agent.jid, "<ping xmlns='urn:xmpp:ping'/>")
        assert len(answers(phone, pair.agent.jid)) == len(answers(laptop, pair.agent.jid)) == 3
        sent = [got for got in laptop.got if got.find("{urn:xmpp:carbons:2}sent") is not None]
        assert len(sent) == 3, "the second device knows what the first one asked"


async def test_history_after_coming_back_is_complete(hub: RunningHub, pair: Pair) -> None:
    async with device(hub, pair.owner) as phone:
        ask(phone, pair.agent.jid, "before I go", "q1")
        await phone.until(lambda got: got.find("{urn:xmpp:receipts}received") is not None)
    async with device(hub, pair.owner, "later") as later:
        bodies: list[str] = []
        async with asyncio.timeout(60):
            while len(bodies) < 2:
                said = await archived(later, pair.agent.jid)
                bodies = [body for body in said if not body.startswith(GREETING)]
        assert bodies[0] == "before I go"
        assert len(bodies) == 2


async def archived(client: RawClient, agent: str) -> list[str]:
    query_id = str(uuid4())
    form = "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:xmpp:mam:2</value></field>"
    form += f"<field var='with'><value>{agent}</value></field></x>"
    own = client.jid.partition("/")[0]
    await client.ask(own, f"<query xmlns='urn:xmpp:mam:2' queryid='{query_id}'>{form}</query>", "set")
    results = [got.find("{urn:xmpp:mam:2}result") for got in client.got]
    mine = [one for one in results if one is not None and one.get("queryid") == query_id]
    bodies = [one.findtext(f"{FORWARDED}/{{jabber:client}}message/{{jabber:client}}body") for one in mine]
    return [body for body in bodies if body]
