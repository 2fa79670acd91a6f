"""Presence, discovery and unknown queries on a real server, asked by a bare slixmpp client."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator

import pytest
from slixmpp import JID, ClientXMPP
from slixmpp.exceptions import IqError
from slixmpp.stanza import Presence

from aiox.kernel.ids import agent_id_of
from tests.integration.component.door import Door, spell
from tests.integration.component.servers import AGENTS, DOMAIN, Ejabberd

SEEN = "agent-22222222-2222-4222-8222-222222222222"
UNSEEN = "agent-33333333-3333-4333-8333-333333333333"


@pytest.fixture
async def guest(xmpp_server: Ejabberd, door: Door) -> AsyncIterator[ClientXMPP]:
    door.visible.add(agent_id_of(SEEN))
    context = ssl.create_default_context(cafile=str(xmpp_server.ca_file))
    client = ClientXMPP(f"alice@{DOMAIN}/guest", "alice-password", ssl_context=context)
    client.register_plugin("xep_0030")
    client.register_plugin("xep_0199")
    started = asyncio.Event()
    client.add_event_handler("session_start", lambda _: started.set())
    client.connect("127.0.0.1", xmpp_server.client_port)
    async with asyncio.timeout(60):
        await started.wait()
    client.send_presence()
    yield client
    await client.disconnect(wait=1.0)


async def _shown(guest: ClientXMPP, *locals_: str) -> dict[str, list[str]]:
    """The types of presence that come after subscription requests, by agent, until the last one is available.

    They are answered in their order, so what was not answered by then never is.
    """
    seen: dict[str, list[str]] = {local: [] for local in locals_}
    available = asyncio.Event()

    def watch(presence: Presence) -> None:
        seen.setdefault(presence["from"].local, []).append(presence["type"])
        if (presence["from"].local, presence["type"]) == (locals_[-1], "available"):
            available.set()

    guest.add_event_handler("presence", watch)
    for local in locals_:
        guest.send_presence(pto=f"{local}@{AGENTS}", ptype="subscribe")
    async with asyncio.timeout(60):
        await available.wait()
    await spell(0.1)
    guest.del_event_handler("presence", watch)
    return seen


async def test_agent_that_may_be_seen_is_available(guest: ClientXMPP) -> None:
    assert "available" in (await _shown(guest, SEEN))[SEEN]


async def test_hidden_and_unknown_agents_are_the_same_silence(guest: ClientXMPP) -> None:
    shown = await _shown(guest, UNSEEN, "nobody", SEEN)
    assert shown[UNSEEN] == shown["nobody"] == []


async def test_disco_names_the_hub_and_agents(guest: ClientXMPP) -> None:
    hub = await guest.plugin["xep_0030"].get_info(jid=JID(AGENTS), timeout=60)
    assert ("automation", "agent-gateway", None, "AIOX") in hub["disco_info"]["identities"]
    agent = await guest.plugin["xep_0030"].get_info(jid=JID(f"{UNSEEN}@{AGENTS}"), timeout=60)
    assert ("client", "bot", None, "AIOX agent") in agent["disco_info"]["identities"]


async def test_ping_is_answered_and_unknown_queries_are_refused(guest: ClientXMPP) -> None:
    assert await guest.plugin["xep_0199"].ping(jid=JID(f"{SEEN}@{AGENTS}"), timeout=60) >= 0
    query = guest.make_iq_get("urn:example:unknown", ito=f"{SEEN}@{AGENTS}")
    with pytest.raises(IqError) as refused:
        await query.send(timeout=60)  # type: ignore[no-untyped-call]
    assert refused.value.condition == "service-unavailable"
