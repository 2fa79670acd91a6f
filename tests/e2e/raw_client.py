"""A bare XMPP client that keeps every stanza it gets and sends what it is told to."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from xml.etree.ElementTree import Element, fromstring

from slixmpp import ClientXMPP
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

from tests.e2e.people import PATIENCE_S
from tests.stack import Account, RunningHub

CLIENT = "jabber:client"


class RawClient:
    """One device of an account."""

    def __init__(self, xmpp: ClientXMPP) -> None:
        self.xmpp = xmpp
        self.got: list[Element] = []
        self._news = asyncio.Event()

    @property
    def jid(self) -> str:
        """The full address, as the server gave it."""
        return str(self.xmpp.boundjid)

    def take(self, element: Element) -> None:
        """Keeps a stanza that came in."""
        self.got.append(element)
        self._news.set()

    def send(self, text: str) -> None:
        """Sends a stanza as it is written, in namespace jabber:client."""
        self.xmpp.send_raw(text)

    async def until(self, wanted: Callable[[Element], bool], seconds: float = PATIENCE_S) -> Element:
        """The first stanza, past or to come, that is wanted."""
        async with asyncio.timeout(seconds):
            while True:
                for element in self.got:
                    if wanted(element):
                        return element
                self._news.clear()
                await self._news.wait()

    async def presence(self, sender: str, kind: str = "") -> Element:
        """The first presence of a kind from a bare address."""
        return await self.until(
            lambda got: (
                name_of(got) == "presence"
                and got.get("from", "").partition("/")[0] == sender
                and got.get("type", "") == kind
            )
        )

    async def ask(self, to: str, inner: str, kind: str = "get") -> Element:
        """Sends an iq; its answer, result or error."""
        stanza_id = self.xmpp.new_id()
        self.send(f"<iq to='{to}' type='{kind}' id='{stanza_id}'>{inner}</iq>")
        return await self.until(lambda got: name_of(got) == "iq" and got.get("id") == stanza_id)


def name_of(element: Element) -> str:
    """message, presence or iq."""
    return element.tag.rpartition("}")[2]


def element(text: str) -> Element:
    """An element from text."""
    return fromstring(text)  # noqa: S314 -- our own text


@asynccontextmanager
async def device(hub: RunningHub, account: Account, resource: str = "raw") -> AsyncIterator[RawClient]:
    """A device that is online, with its roster asked for."""
    context = ssl.create_default_context(cafile=str(hub.home.secrets("xmpp").path("ca.crt")))
    xmpp = ClientXMPP(f"{account.jid}/{resource}", account.password, sasl_mech="SCRAM-SHA-256", ssl_context=context)
    xmpp.auto_authorize = None
    xmpp.auto_subscribe = False
    client, started = RawClient(xmpp), asyncio.Event()
    for name in ("message", "presence", "iq"):
        path = MatchXPath(f"{{{CLIENT}}}{name}")
        xmpp.register_handler(Callback(f"raw {name}", path, lambda got: client.take(got.xml)))
    xmpp.add_event_handler("session_start", lambda _: started.set())
    xmpp.connect("127.0.0.1", hub.settings.ports.xmpp_client)
    async with asyncio.timeout(60):
        await started.wait()
    xmpp.send_raw("<iq type='get' id='roster'><query xmlns='jabber:iq:roster'/></iq>")
    xmpp.send_presence()
    try:
        yield client
    finally:
        await xmpp.disconnect(wait=1.0)
        if (sending := xmpp._run_out_filters) is not None:
            sending.cancel()
