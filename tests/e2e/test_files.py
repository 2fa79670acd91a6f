"""Files in a chat: uploaded as clients do, taken, read, known to the turn, and refused in words."""

from __future__ import annotations

import ssl
from uuid import uuid4

import aiohttp
import pytest

from aiox.commands.create_agent import AgentCreated
from tests.e2e.people import GREETING, ROOMY, ROOMY_ACCOUNT
from tests.e2e.raw_client import RawClient, device, name_of
from tests.stack import Account, RunningHub

UPLOAD = "urn:xmpp:http:upload:0"
BODY = "{jabber:client}body"


async def put(hub: RunningHub, client: RawClient, name: str, content: bytes, kind: str) -> str:
    """Uploads a file as XEP-0363 says; the link under which others get it."""
    request = f"<request xmlns='{UPLOAD}' filename='{name}' size='{len(content)}' content-type='{kind}'/>"
    slot = await client.ask(f"upload.{hub.settings.domain}", request)
    found_put, found_get = slot.find(f".//{{{UPLOAD}}}put"), slot.find(f".//{{{UPLOAD}}}get")
    assert found_put is not None, "the server gives no slot"
    assert found_get is not None
    tls = ssl.create_default_context(cafile=str(hub.home.secrets("xmpp").path("ca.crt")))
    async with (
        aiohttp.ClientSession() as session,
        session.put(found_put.get("url", ""), data=content, ssl=tls, headers={"Content-Type": kind}) as answer,
    ):
        assert answer.status == 201, await answer.text()
    return found_get.get("url", "")


def send(client: RawClient, agent: str, url: str, body: str = "") -> str:
    message_id = str(uuid4())
    oob = f"<x xmlns='jabber:x:oob'><url>{url}</url></x>"
    client.send(f"<message to='{agent}' type='chat' id='{message_id}'><body>{body or url}</body>{oob}</message>")
    return message_id


async def said(client: RawClient, agent: str, number: int) -> str:
    """The n-th thing that the agent has said to this device, its greeting left out."""

    def bodies() -> list[str]:
        own = [got for got in client.got if name_of(got) == "message" and got.get("from", "").startswith(agent)]
        said = [one.findtext(BODY) or "" for one in own if one.find(BODY) is not None]
        return [one for one in said if not one.startswith(GREETING)]

    await client.until(lambda _: len(bodies()) >= number, 60)
    return bodies()[number - 1]


@pytest.fixture
async def owner(hub: RunningHub) -> Account:
    return await hub.account(quota=ROOMY_ACCOUNT)


@pytest.fixture
async def agent(hub: RunningHub, owner: Account) -> AgentCreated:
    return await hub.agent(owner, governance=ROOMY)


async def test_a_file_is_read_and_known_to_the_very_turn(hub: RunningHub, owner: Account, agent: AgentCreated) -> None:
    text = b"# Boiler\n\nThe valve of the boiler is opened with the green key from the cellar.\n"
    async with device(hub, owner) as phone:
        url = await put(hub, phone, "boiler manual.md", text, "text/markdown")
        send(phone, agent.jid, url, "Which key opens the valve of the boiler?")
        assert "green key" in await said(phone, agent.jid, 1)
        send(phone, agent.jid, await put(hub, phone, "voice.ogg", b"OggS" + bytes(200), "audio/ogg"))
        refused = await said(phone, agent.jid, 2)
        assert "voice.ogg" in refused
        assert "a recording" in refused
        send(phone, agent.jid, f"https://{hub.settings.domain}:{hub.settings.ports.xmpp_http}/api/status")
        assert "could not get" in await said(phone, agent.jid, 3)
