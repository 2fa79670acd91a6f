"""Long work and long answers: a notice becomes the answer, for devices that saw it and those that did not; a file."""

from __future__ import annotations

import asyncio
from uuid import UUID, uuid4
from xml.etree.ElementTree import Element

import aiohttp

from aiox.commands import list_executions, retract_answer
from aiox.commands.list_executions import ListExecutions
from aiox.commands.retract_answer import RetractAnswer
from aiox.kernel.outcome import Refused
from component.features.correction import CORRECTION, WORKING
from tests.e2e.conftest import ModelHub
from tests.e2e.database import superuser
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT
from tests.e2e.raw_client import RawClient, device, name_of
from tests.e2e.test_talk import archived
from tests.stack import RunningHub

REPLACE = f"{{{CORRECTION}}}replace"
BODY = "{jabber:client}body"
BLOCKING = "urn:xmpp:blocking"


def ask(client: RawClient, agent: str, body: str) -> None:
    client.send(f"<message to='{agent}' type='chat' id='{uuid4()}'><body>{body}</body></message>")


def said(client: RawClient, agent: str) -> list[Element]:
    """What came from the agent to this device, by itself or as a copy of what another device got."""
    own = [got for got in client.got if name_of(got) == "message" and got.get("from", "").startswith(agent)]
    copies = [inner for got in client.got for inner in got.iter("{jabber:client}message") if inner is not got]
    return [one for one in (*own, *copies) if one.find(BODY) is not None and one.get("from", "").startswith(agent)]


async def test_a_notice_becomes_the_answer(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    owner = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(owner, governance=ROOMY)
    async with device(hub, owner, "phone") as phone, device(hub, owner, "laptop") as laptop:
        for one in (phone, laptop):
            await one.ask(owner.jid, "<enable xmlns='urn:xmpp:carbons:2'/>", "set")
        phone.xmpp.register_plugin("xep_0030")  # says what it can do when it is asked
        phone.xmpp.plugin["xep_0030"].add_feature(CORRECTION)
        await laptop.until(lambda got: "I am Ada" in (got.findtext(BODY) or ""), 60)  # it has greeted its owner
        laptop.got.clear()
        with model.held():
            ask(phone, agent.jid, "think hard")
            notice = await phone.until(lambda got: got.findtext(BODY) == WORKING, 60)
        answer = await phone.until(lambda got: got.find(REPLACE) is not None, 60)
        replace = answer.find(REPLACE)
        assert replace is not None
        assert replace.get("id") == notice.get("id")
        assert answer.get("from") == notice.get("from"), "one resource, or clients would not let it correct"
        assert "think hard" in (answer.findtext(BODY) or "")
        await laptop.until(lambda _: len(said(laptop, agent.jid)) >= 1)
        await laptop.ask(agent.jid, "<ping xmlns='urn:xmpp:ping'/>")
        (whole,) = said(laptop, agent.jid)
        assert whole.findtext(BODY) == answer.findtext(BODY)
        kept = await archived(phone, agent.jid)
        assert kept[1:] == ["think hard", answer.findtext(BODY)], "behind the greeting; the notice is kept nowhere"


async def test_a_long_answer_comes_as_a_file_too(model_hub: ModelHub) -> None:
    hub, model = model_hub.hub, model_hub.model
    owner = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(owner, governance=ROOMY)
    text = "All about paint. " * 1000
    async with device(hub, owner) as phone:
        model.script(text)
        ask(phone, agent.jid, "tell me all")
        found = await phone.until(lambda got: got.find("{jabber:x:oob}x") is not None, 60)
        url = found.findtext("{jabber:x:oob}x/{jabber:x:oob}url") or ""
        assert found.findtext(BODY) == url
        token = url.rpartition("/")[2]
        forged = url.replace(token, ("A" if token[40] != "A" else "B").join((token[:40], token[41:])))
        async with aiohttp.ClientSession() as session:
            async with session.get(url) as answer:
                assert answer.status == 200
                assert (await answer.text()).strip() == text.strip()
                assert answer.headers["Content-Disposition"].startswith("attachment")
            for bad in (forged, url[:-1], f"{url}A"):
                async with session.get(bad) as answer:
                    assert answer.status == 404, bad
            async with hub.commands() as commands:
                turns = await list_executions.run(commands, owner.actor, ListExecutions(agent_id=agent.agent_id))
                assert not isinstance(turns, Refused)
                done = await retract_answer.run(commands, owner.actor, RetractAnswer(execution_id=turns[0].id))
                assert not isinstance(done, Refused)
            async with session.get(url) as answer:
                assert answer.status == 404, "what was taken back is not there"


async def answered_and_done(hub: RunningHub, agent: UUID) -> bool:
    """Whether an agent has answered, and nothing of its owner's is still to go out."""
    async with superuser(hub) as connection:
        return bool(
            await connection.fetchval(
                "SELECT EXISTS (SELECT FROM inbox WHERE agent_id = $1 AND outcome = 'answered') AND NOT EXISTS ("
                "SELECT FROM outbox WHERE sent_at IS NULL"
                " AND owner_user_id = (SELECT owner_user_id FROM agents WHERE id = $1))",
                agent,
            )
        )


async def test_who_has_blocked_an_agent_is_left_alone(model_hub: ModelHub) -> None:
    """XEP-0191: the answer to a question from before comes back from the server, and the agent lets it be."""
    hub, model = model_hub.hub, model_hub.model
    owner = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(owner, governance=ROOMY)
    item = f"<item jid='{agent.jid}'/>"
    async with device(hub, owner) as phone:
        await phone.until(lambda got: "I am Ada" in (got.findtext(BODY) or ""), 60)
        with model.held():
            asked = model.count
            ask(phone, agent.jid, "do you hear me?")
            async with asyncio.timeout(60):
                while model.count == asked:
                    await asyncio.sleep(0.05)
            blocked = await phone.ask(owner.jid, f"<block xmlns='{BLOCKING}'>{item}</block>", "set")
            assert blocked.get("type") == "result"
            phone.got.clear()
        async with asyncio.timeout(60):
            while not await answered_and_done(hub, agent.agent_id):
                await asyncio.sleep(0.1)
        assert said(phone, agent.jid) == []
        await phone.ask(owner.jid, f"<unblock xmlns='{BLOCKING}'>{item}</unblock>", "set")
        ask(phone, agent.jid, "and now?")
        answer = await phone.until(lambda got: "echo: and now?" in (got.findtext(BODY) or ""), 60)
        assert answer.get("from", "").startswith(agent.jid)
        assert [one.findtext(BODY) for one in said(phone, agent.jid)] == ["echo: and now?"]
