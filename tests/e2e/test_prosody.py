"""Prosody as the peer, a server of other people with plain users: they talk to agents that are shared with them."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest
from slixmpp import JID, ClientXMPP

from aiox.cli import peers as shell
from aiox.cli.peers import Given
from setup.prove import note
from tests.e2e.neighbours import Neighbours, neighbours
from tests.e2e.people import ROOMY, ROOMY_ACCOUNT
from tests.e2e.prosody import Prosody, prosody, register
from tests.stack import free_ports

ALL = Given(True, True, True, None, None, None, False, "")


async def answer(server: Prosody, password: str, agent: str, authorities: Path) -> str:
    """What an agent answers to a plain user of that server."""
    context = ssl.create_default_context(cafile=str(authorities))
    client = ClientXMPP(f"bob@{server.domain}/plain", password, ssl_context=context)
    heard: asyncio.Queue[str] = asyncio.Queue()
    client.add_event_handler("session_start", lambda _: client.send_presence())
    client.add_event_handler("session_start", lambda _: client.send_message(JID(agent), "Good morning", mtype="chat"))
    client.add_event_handler("message", lambda got: heard.put_nowait(f"{got['type']}: {got['body']}"))
    client.connect(server.address, server.client_port)
    try:
        async with asyncio.timeout(60):
            while True:
                if (said := await heard.get()).startswith("chat: ") and len(said) > len("chat: "):
                    return said
    finally:
        await client.disconnect(wait=1.0)


@pytest.mark.prove
async def test_plain_users_of_another_kind_of_server_talk_to_agents(tmp_path: Path) -> None:
    async with neighbours() as hubs:
        await _meets_prosody(hubs, tmp_path)


async def _meets_prosody(hubs: Neighbours, folder: Path) -> None:
    hub, domain = hubs.a, "plain.test"
    wanted = hub.settings.federation
    address = hub.settings.federation.hosts[domain]
    authorities = folder / "authorities.pem"
    authorities.write_text(wanted.authority_file.read_text() if wanted.authority_file else "")
    identity = hubs.identity(domain, domain)
    ports = free_ports().xmpp_client, wanted.port
    async with prosody(folder, domain, address, ports, wanted.hosts, identity, authorities) as server:
        await register(server, "bob", "correct horse battery")
        ada = await hub.account(quota=ROOMY_ACCOUNT)
        agent = await hub.agent(ada, visibility="shared", shared_with=[f"bob@{domain}"], governance=ROOMY)
        await shell.add(hub.settings, domain, ALL)
        said = await answer(server, "correct horse battery", agent.jid, authorities)
        assert said
        assert "used 0, " not in await shell.show(hub.settings, domain)
    note("a plain user of Prosody was answered")
