"""The server's account interface as the gateway uses it: accounts, tokens, shutting out; and what it may not do."""

from __future__ import annotations

import asyncio
from uuid import uuid4

import pytest

from aiox.cli.chat.client import ChatClient
from aiox.cli.chat.stream import ChatTrouble
from aiox.kernel.jid import BareJid
from aiox.runtime.xmpp_server import COMPONENT_ACCOUNT, GATEWAY_ACCOUNT, XmppAccountTaken, XmppServer, XmppServerTrouble
from tests.integration.aiox.runtime.oauth_client import Connection, log_in
from tests.stack import Place

PASSWORD = "correct horse battery"


@pytest.fixture(scope="session")
async def server(ejabberd: Place) -> XmppServer:
    made = XmppServer(ejabberd.settings, ejabberd.home.secrets("gateway"), GATEWAY_ACCOUNT)
    async with asyncio.timeout(60):  # just started, it does not know its accounts yet
        while (await made.call("check_account", {"user": "nobody", "host": "localhost"}))[0] != 200:
            await asyncio.sleep(0.2)
    return made


@pytest.fixture
async def jid(server: XmppServer) -> BareJid:
    made = BareJid(f"{uuid4().hex[:12]}@localhost")
    await server.ensure(made, PASSWORD)
    return made


async def come_in(place: Place, jid: BareJid, token: str) -> Connection | None:
    ca_file = place.home.secrets("xmpp").path("ca.crt")
    return await log_in(place.settings.ports.xmpp_client, ca_file, jid, token)


async def chat(place: Place, jid: BareJid) -> None:
    """Logs in with the password (SCRAM), and out."""
    ca_file = place.home.secrets("xmpp").path("ca.crt")
    async with ChatClient(jid, PASSWORD, "127.0.0.1", place.settings.ports.xmpp_client, ca_file):
        pass


async def fits(server: XmppServer, jid: BareJid, password: str) -> bool:
    name, _, host = jid.partition("@")
    status, answer = await server.call("check_password", {"user": name, "host": host, "password": password})
    return (status, answer) == (200, 0)


async def test_an_account_is_made_once_and_another_password_is_told(server: XmppServer, jid: BareJid) -> None:
    await server.ensure(jid, PASSWORD)
    with pytest.raises(XmppAccountTaken):
        await server.ensure(jid, "another password")


async def test_a_password_is_changed(server: XmppServer, jid: BareJid) -> None:
    await server.set_password(jid, "another password")
    assert [await fits(server, jid, one) for one in (PASSWORD, "another password")] == [False, True]


async def test_a_token_opens_until_it_is_revoked(ejabberd: Place, server: XmppServer, jid: BareJid) -> None:
    token = await server.issue_token(jid)
    first = await come_in(ejabberd, jid, token)
    assert first is not None
    await server.revoke_token(token)
    assert await come_in(ejabberd, jid, token) is None
    await server.end_sessions(jid)
    assert "</stream:stream>" in await first.until("</stream:stream>")
    await first.close()


async def test_a_token_opens_one_account_only(ejabberd: Place, server: XmppServer, jid: BareJid) -> None:
    other = BareJid(f"{uuid4().hex[:12]}@localhost")
    await server.ensure(other, PASSWORD)
    assert await come_in(ejabberd, other, await server.issue_token(jid)) is None


async def test_who_is_shut_out_is_thrown_out_and_stays_out(ejabberd: Place, server: XmppServer, jid: BareJid) -> None:
    token = await server.issue_token(jid)
    inside = await come_in(ejabberd, jid, token)
    assert inside is not None
    await server.revoke_token(token)  # a ban alone does not stop a token (24.12)
    await server.shut_out(jid)
    assert "</stream:stream>" in await inside.until("</stream:stream>")
    assert await come_in(ejabberd, jid, token) is None
    with pytest.raises(ChatTrouble):
        await chat(ejabberd, jid)
    await server.let_in(jid)
    await chat(ejabberd, jid)
    await inside.close()


@pytest.mark.parametrize(
    "command", ["registered_users", "delete_old_users", "set_master", "status", "stop", "oauth_list_tokens"]
)
async def test_the_gateway_may_do_nothing_else(server: XmppServer, jid: BareJid, command: str) -> None:
    name, _, host = jid.partition("@")
    with pytest.raises(XmppServerTrouble, match="refused"):
        await server.succeed(command, {"user": name, "host": host})
    assert await fits(server, jid, PASSWORD)


async def test_a_server_that_is_not_there_is_told_without_a_password(ejabberd: Place) -> None:
    settings = ejabberd.settings.model_copy(
        update={"ports": ejabberd.settings.ports.model_copy(update={"xmpp_http": ejabberd.settings.ports.nats})}
    )
    away = XmppServer(settings, ejabberd.home.secrets("gateway"), GATEWAY_ACCOUNT)
    with pytest.raises(XmppServerTrouble) as trouble:
        await away.ensure(BareJid("ann@localhost"), PASSWORD)
    assert PASSWORD not in str(trouble.value)


async def test_the_component_puts_contacts_into_rosters_and_does_nothing_else(
    ejabberd: Place, server: XmppServer, jid: BareJid
) -> None:
    component = XmppServer(ejabberd.settings, ejabberd.home.secrets("component"), COMPONENT_ACCOUNT)
    for _ in range(2):
        await component.add_contact(jid, BareJid("agent-1@agents.localhost"), "Ada", "AI agents")
    for command, arguments in (("check_account", {}), ("change_password", {"newpass": "x"}), ("kick_user", {})):
        status, _ = await component.call(command, {"user": jid.partition("@")[0], "host": "localhost", **arguments})
        assert status == 403, command


async def test_of_several_servers_one_that_is_there_is_asked(ejabberd: Place) -> None:
    hosts = ejabberd.settings.hosts.model_copy(update={"xmpp": "127.0.0.9,127.0.0.1"})
    settings = ejabberd.settings.model_copy(update={"hosts": hosts})
    server = XmppServer(settings, ejabberd.home.secrets("gateway"), GATEWAY_ACCOUNT)
    made = BareJid(f"{uuid4().hex[:12]}@localhost")
    await server.ensure(made, PASSWORD)
    assert await fits(server, made, PASSWORD)


async def test_where_none_is_there_it_is_said(ejabberd: Place) -> None:
    hosts = ejabberd.settings.hosts.model_copy(update={"xmpp": "127.0.0.8,127.0.0.9"})
    settings = ejabberd.settings.model_copy(update={"hosts": hosts})
    server = XmppServer(settings, ejabberd.home.secrets("gateway"), GATEWAY_ACCOUNT)
    with pytest.raises(XmppServerTrouble, match="does not answer"):
        await server.end_sessions(BareJid("nobody@localhost"))
