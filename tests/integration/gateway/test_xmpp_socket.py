"""The door finds an XMPP server that is there, of several."""

from __future__ import annotations

import pytest

from aiox.runtime.xmpp_hosts import XmppHosts
from gateway.xmpp_socket import to_server
from tests.stack import Place

OPEN = '<open xmlns="urn:ietf:params:xml:ns:xmpp-framing" to="localhost" version="1.0"/>'


async def test_of_several_servers_one_that_is_there_is_asked(ejabberd: Place) -> None:
    hosts = XmppHosts("127.0.0.9,127.0.0.1")
    opened = to_server(ejabberd.settings, ejabberd.home.secrets("gateway"), hosts)
    async with opened() as server:
        await server.send(OPEN)
        assert "<open " in str(await server.recv())
    assert hosts.now == "127.0.0.1"  # and asked first from now on


async def test_where_none_is_there_it_is_said(ejabberd: Place) -> None:
    opened = to_server(ejabberd.settings, ejabberd.home.secrets("gateway"), XmppHosts("127.0.0.8,127.0.0.9"))
    with pytest.raises(OSError, match="Connect call failed"):
        async with opened():
            pass
