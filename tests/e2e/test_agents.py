"""Agents as people meet them: the JSON of SPEC 2 answers, a short address, versions that change and come back."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4
from xml.etree.ElementTree import Element

import httpx
import pytest
from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError

from aiox.commands import publish_agent, read_agent, retire_agent, share_agent
from aiox.commands.edit_agent import PatchAgent, WhichAgent, update
from aiox.commands.list_templates import templates
from aiox.commands.publish_agent import RollbackAgent
from aiox.commands.read_agent import ReadAgent
from aiox.commands.share_agent import AliasAgent, GrantAgent
from aiox.kernel.canonical import canonical
from aiox.kernel.outcome import Refused
from aiox.runtime import redis
from component.features.acd import ACD
from registry import short_term
from tests.e2e.database import dump_of, superuser
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT, answer_to, online, shape, teach
from tests.integration.gateway.test_agents import SPEC_2
from tests.stack import Account, RunningHub


async def test_agent_json_as_in_the_specification_is_accepted_and_answers(hub: RunningHub) -> None:
    ada = await hub.account()
    base = f"http://127.0.0.1:{hub.settings.ports.gateway}"
    async with httpx.AsyncClient(base_url=base) as client:
        who = {"email": f"{ada.jid.partition('@')[0]}@example.org", "password": ada.password}
        token = (await client.post("/v1/sessions", json=who)).json()["access_token"]
        headers = {"Authorization": f"Bearer {token}"}
        made = await client.post("/v1/agents", json=SPEC_2, headers=headers)
        assert made.status_code == 201, made.text
        read = (await client.get(made.headers["location"], headers=headers)).json()
    assert {name: read[name] for name in SPEC_2} == SPEC_2
    async with online(hub, ada) as person:
        assert await answer_to(person, read["jid"], "Good morning")


async def test_an_alias_answers_under_the_address_that_was_asked(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    alias = f"a{agent.agent_id.hex[:12]}"
    short = f"{alias}@agents.{hub.settings.domain}"
    async with online(hub, ada) as person:
        await person.error_for(person.say(short, "too early"))
        async with hub.commands() as commands:
            given = await share_agent.set_alias(commands, ada.actor, AliasAgent(agent_id=agent.agent_id, alias=alias))
        assert not isinstance(given, Refused)
        said = person.say(short, "Good morning")
        await person.until(lambda got: str(got.get("from")).startswith(f"{short}/") and got.get("type") == "chat")
        assert await answer_to(person, agent.jid, "Good evening")
    async with superuser(hub) as connection:
        asked = await connection.fetch(
            "SELECT e.agent_id FROM executions e WHERE e.owner_user_id = $1 AND e.agent_version_id = $2",
            ada.actor.owner,
            agent.version_id,
        )
        known = await connection.fetchval("SELECT agent_id FROM inbox WHERE message_id = $1", said)
    assert {row["agent_id"] for row in asked} == {agent.agent_id}
    assert known == agent.agent_id
    assert len(asked) == 2


async def test_turns_begin_with_the_version_that_is_active(hub: RunningHub) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    which = WhichAgent(agent_id=agent.agent_id)
    async with online(hub, ada) as person, hub.commands() as commands:
        await answer_to(person, agent.jid, "one")
        patch = PatchAgent.model_validate({"agent_id": agent.agent_id, "profile": {"description": "second"}})
        assert not isinstance(await update(commands, ada.actor, patch), Refused)
        await answer_to(person, agent.jid, "still one")
        assert not isinstance(await publish_agent.publish(commands, ada.actor, which), Refused)
        await answer_to(person, agent.jid, "two")
        back = RollbackAgent(agent_id=agent.agent_id, version=1)
        assert not isinstance(await publish_agent.rollback(commands, ada.actor, back), Refused)
        await answer_to(person, agent.jid, "one again")
    async with superuser(hub) as connection:
        rows = await connection.fetch(
            "SELECT v.number FROM executions e JOIN agent_versions v ON v.id = e.agent_version_id"
            " WHERE e.agent_id = $1 ORDER BY e.created_at",
            agent.agent_id,
        )
    assert [row["number"] for row in rows] == [1, 1, 2, 1]


async def test_grants_and_deletion_hold_from_the_next_message_on(hub: RunningHub) -> None:
    ada, eve = await hub.account(), await hub.account()
    agent = await hub.agent(ada, visibility="shared", governance=ROOMY)
    nobody = agent.jid.replace(str(agent.agent_id), "00000000-0000-4000-8000-00000000dead")
    async with online(hub, eve) as person, hub.commands() as commands:
        grant = GrantAgent(agent_id=agent.agent_id, grantee=eve.jid)
        unknown = shape(await person.error_for(person.say(nobody, "hello", "said-1")), hide=(nobody, "said-1"))
        assert not isinstance(await share_agent.grant(commands, ada.actor, grant), Refused)
        assert await answer_to(person, agent.jid, "hello")
        assert not isinstance(await share_agent.revoke(commands, ada.actor, grant), Refused)
        revoked = shape(await person.error_for(person.say(agent.jid, "hello", "said-2")), hide=(agent.jid, "said-2"))
        assert not isinstance(await share_agent.grant(commands, ada.actor, grant), Refused)
        deleted_agent = WhichAgent(agent_id=agent.agent_id)
        assert not isinstance(await retire_agent.delete(commands, ada.actor, deleted_agent), Refused)
        deleted = shape(await person.error_for(person.say(agent.jid, "hello", "said-3")), hide=(agent.jid, "said-3"))
        assert revoked == deleted == unknown
        assert not isinstance(await retire_agent.restore(commands, ada.actor, deleted_agent), Refused)
        assert await answer_to(person, agent.jid, "hello again")


async def test_a_purged_agent_leaves_no_text(hub: RunningHub) -> None:
    """The time that a running turn is given is set back, so that nobody waits for it here."""
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    agent = await hub.agent(ada, governance=ROOMY)
    secret = f"the key lies under stone {uuid4().hex}"
    await teach(hub, ada, agent.agent_id, "stones.md", secret)
    async with online(hub, ada) as person:
        assert "stone" in await answer_to(person, agent.jid, "Where does the key lie?")
        memory = redis.connect(hub.settings, hub.home.secrets("orchestrator"), "orchestrator")
        kept = short_term.key(ada.actor.owner, agent.agent_id, ada.jid)
        assert await memory.exists(kept)
        which = WhichAgent(agent_id=agent.agent_id)
        async with hub.commands() as commands:
            assert not isinstance(await retire_agent.delete(commands, ada.actor, which), Refused)
            assert not isinstance(await retire_agent.purge(commands, ada.actor, which), Refused)
        async with superuser(hub) as connection:
            back = "UPDATE agents SET deleted_at = now() - interval '1 hour' WHERE id = $1"
            await connection.execute(back, agent.agent_id)
            async with asyncio.timeout(60):
                while await connection.fetchval("SELECT true FROM agents WHERE id = $1", agent.agent_id):
                    await asyncio.sleep(0.2)
        assert not await memory.exists(kept)
        await memory.aclose()
        await person.error_for(person.say(agent.jid, "Where does the key lie?"))
    assert secret not in await dump_of(hub)


async def test_a_peer_reads_the_descriptor_as_the_api_shows_it(hub: RunningHub) -> None:
    ada, eve = await hub.account(), await hub.account()
    agent = await hub.agent(ada, capabilities={"domain_tags": ["tea"]})
    async with hub.commands() as commands:
        read = await read_agent.run(commands, ada.actor, ReadAgent(agent_id=agent.agent_id))
    assert not isinstance(read, Refused)
    async with asking(hub, ada) as ask, asking(hub, eve) as ask_as_eve:
        acd = (await ask(agent.jid)).xml.find(f"{{{ACD}}}acd")
        with pytest.raises(IqError) as hidden:
            await ask_as_eve(agent.jid)
    text = acd.findtext(f"{{{ACD}}}json").encode()
    assert text == canonical(read.descriptor.model_dump(mode="json"))
    assert base64.b64decode(acd.findtext("{urn:xmpp:hashes:2}hash")) == hashlib.sha256(text).digest()
    assert hidden.value.condition == "item-not-found"


@asynccontextmanager
async def asking(hub: RunningHub, account: Account) -> AsyncIterator[Callable[[str], Awaitable[Any]]]:
    """A bare slixmpp client that asks for descriptors."""
    context = ssl.create_default_context(cafile=str(hub.home.secrets("xmpp").path("ca.crt")))
    client = ClientXMPP(f"{account.jid}/peer", account.password, ssl_context=context)
    started = asyncio.Event()
    client.add_event_handler("session_start", lambda _: started.set())
    client.connect("127.0.0.1", hub.settings.ports.xmpp_client)
    async with asyncio.timeout(60):
        await started.wait()

    async def ask(address: str) -> Any:
        query = client.make_iq_get(ito=address)
        query.append(Element(f"{{{ACD}}}acd"))
        return await query.send(timeout=30)  # type: ignore[no-untyped-call]

    try:
        yield ask
    finally:
        await client.disconnect(wait=1.0)


@pytest.mark.parametrize("template", ["documents", "support"])
async def test_agents_from_templates_answer(hub: RunningHub, template: str) -> None:
    ada = await hub.account(quota=ROOMY_ACCOUNT)
    fields = next(one.agent for one in templates() if one.template == template).model_dump(mode="json")
    fields["governance"] = ROOMY
    agent = await hub.agent(ada, **fields)
    async with online(hub, ada) as person:
        assert await answer_to(person, agent.jid, "Good morning")
