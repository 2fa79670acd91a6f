"""The link to the XMPP server (XEP-0114), by slixmpp: stanzas in and out, reconnecting for ever. Nothing else.

Rosters, presence and automatic replies of slixmpp are off: what the agents say is decided in this room.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, Final
from uuid import uuid4
from xml.etree.ElementTree import Element

from slixmpp import ComponentXMPP
from slixmpp.jid import JID, InvalidJID
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath
from slixmpp.xmlstream.stanzabase import StanzaBase

from aiox.kernel.errors import ErrorCode
from aiox.runtime.logs import Log
from aiox.runtime.xmpp_hosts import XmppHosts
from component.errors import error_reply
from component.features.ping import ping
from component.link import LinkLost
from component.metrics import STANZAS_FAILED
from component.stanza_xml import COMPONENT, kind_of
from component.stanzas_out import ForeignSender, seal

FIRST_WAIT_S: Final = 0.2
LONGEST_WAIT_S: Final = 5.0
CONNECT_S: Final = 10.0
PROBE_S: Final = 1.0

Receive = Callable[[Element], None]
"""Takes a message, presence or iq with normalised addresses. Must be quick."""
KINDS: Final = ("message", "presence", "iq")
"""Of stanzas that are taken; each has its canonical action in policy/ways.py."""


class XmppLink:
    """One component link. `receive` is called for every stanza that is for the hub."""

    def __init__(
        self,
        hosts: XmppHosts,
        port: int,
        agents_domain: str,
        server_domain: str,
        secret: str,
        log: Log,
        *,
        sessions: Iterator[int],
        probes: int = 0,
    ) -> None:
        """Of several servers the next is tried when one does not accept us. `sessions` numbers the streams of all links
        of the process. `probes` other than 0: the server divides the agents over several links, and this one is made
        anew until so many probes show that it got its share.
        """
        self._hosts = hosts
        self._port = port
        self._sessions = sessions
        self._probes = probes
        self._probe_id = ""
        self._has_share = False
        self._own_address = agents_domain
        self._wanted = asyncio.Event()
        self._routed = asyncio.Event()
        self._agents_domain = agents_domain
        self._server_domain = server_domain
        self._log = log
        self._pings: dict[str, asyncio.Future[None]] = {}
        self._up = False
        self._session = 0
        self._changed = asyncio.Event()
        self._receive: Receive | None = None
        self._stream = self._make_stream(secret)

    @property
    def up(self) -> bool:
        """Whether the server has accepted us, and sends us our share."""
        return self._up and self._has_share

    @property
    def address(self) -> str:
        """Of our own addresses one whose answers come in by this link."""
        return self._own_address

    @property
    def session(self) -> int:
        """Number of the stream: another one after every reconnect."""
        return self._session

    def on_stanza(self, receive: Receive) -> None:
        """Who gets the stanzas."""
        self._receive = receive

    def open(self) -> None:
        """From now on the link is to be up."""
        self._wanted.set()

    async def shut(self) -> None:
        """From now on the link is to be down. Returns when the server has let go of it."""
        self._wanted.clear()
        if self._up:
            await self._stream.disconnect(wait=1.0)

    async def run(self) -> None:
        """Keeps the link up while it is to be, until cancelled. Waits 0.2 s, then twice as long, 5 s at most."""
        wait = FIRST_WAIT_S
        while True:
            await self._wanted.wait()
            if await self._connect() and await self._is_routed():
                self._has_share = True
                self._log.info("xmpp_connected", domain=self._agents_domain)
                wait = FIRST_WAIT_S
                if not self._wanted.is_set():  # shut while it was coming up
                    await self._stream.disconnect(wait=1.0)
                while self._up:
                    self._changed.clear()
                    await self._changed.wait()
            if not self._wanted.is_set():
                continue
            self._log.warning("xmpp_not_connected", retry_s=wait)
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT_S)

    def send(self, element: Element) -> bool:
        """Writes a stanza; False when there is no link, or when it would leave under a foreign address."""
        if not self._up:
            return False
        try:
            data = seal(element, self._agents_domain)
        except ForeignSender as bug:
            self._log.error("stanza_not_sent", error=str(bug))
            return False
        self._stream.send_raw(data)
        return True

    async def confirm(self, timeout_s: float, *, entries: bool = False) -> int:
        """Returns the session once the server has taken all that was sent before in it.

        Raises LinkLost; then the link is made anew.
        """
        ping_id, session = f"confirm-{uuid4()}", self._session
        pong: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._pings[ping_id] = pong
        try:
            if not self.send(ping(self._own_address, self._server_domain, ping_id)):
                raise LinkLost("no link")
            async with asyncio.timeout(timeout_s):
                await pong
        except TimeoutError:
            self._stream.abort()
            raise LinkLost(f"no pong within {timeout_s:g} s") from None
        finally:
            del self._pings[ping_id]
        return session

    async def close(self) -> None:
        """Ends the stream in good order."""
        if self._up:
            await self._stream.disconnect(wait=1.0)
        # slixmpp leaves its sending task running until the stream object is collected.
        if (sending := self._stream._run_out_filters) is not None:
            sending.cancel()

    async def _connect(self) -> bool:
        self._changed.clear()
        host = self._hosts.now
        self._stream.connect(host, self._port)
        try:
            async with asyncio.timeout(CONNECT_S):
                await self._changed.wait()
        except TimeoutError:
            self._log.warning("xmpp_server_silent")
        if not self._up:
            self._stream.cancel_connection_attempt()
            self._stream.abort()
            self._hosts.pass_over(host)
        return self._up

    async def _is_routed(self) -> bool:
        """Whether stanzas come in here. The server gives a share to the first links only, and none to one too many."""
        if not self._probes:
            return True
        self._routed.clear()
        self._probe_id = f"probe-{uuid4()}"
        for number in range(self._probes):
            # The share is chosen by the recipient: one of many addresses is in ours.
            self.send(ping(self._agents_domain, f"probe-{number}@{self._agents_domain}", self._probe_id))
        try:
            async with asyncio.timeout(PROBE_S):
                await self._routed.wait()
        except TimeoutError:
            self._log.warning("xmpp_link_without_share")
            self._stream.abort()
            return False
        return self._up

    def _make_stream(self, secret: str) -> ComponentXMPP:
        stream: ComponentXMPP = ComponentXMPP(self._agents_domain, secret)  # type: ignore[no-untyped-call]
        for name in ("IM", "IMError", "Presence"):
            stream.remove_handler(name)
        for name in KINDS:
            stream.register_handler(Callback(f"aiox {name}", MatchXPath(f"{{{COMPONENT}}}{name}"), self._arrived))
        stream.whitespace_keepalive = False
        stream.add_event_handler("session_start", self._on_started)
        stream.add_event_handler("disconnected", self._on_ended)
        stream.add_event_handler("connection_failed", self._on_ended)
        return stream

    def _on_started(self, _event: Any) -> None:
        self._up, self._has_share = True, False
        self._session = next(self._sessions)
        self._changed.set()

    def _on_ended(self, reason: Any) -> None:
        self._log.debug("xmpp_ended", reason=str(reason))
        self._up = False
        self._changed.set()
        for pong in self._pings.values():
            if not pong.done():
                pong.set_exception(LinkLost("the link broke"))

    def _arrived(self, arrived: StanzaBase) -> None:
        """The one boundary where a failure over a stanza becomes a protocol error."""
        element: Element = arrived.xml
        try:
            self._normalise(element)
            if self._probe_id and element.get("id") == self._probe_id:
                # What is sent to this address comes in here, and not by another link.
                self._own_address = element.get("to", "")
                self._routed.set()
            elif not self._is_pong(element) and self._receive is not None:
                self._receive(element)
        except InvalidJID:
            self._log.debug("stanza_from_nowhere")
        except Exception as bug:  # noqa: BLE001 -- no stanza may end the link
            STANZAS_FAILED.inc()
            self._log.error("stanza_failed", kind=kind_of(element), exc_info=bug)
            if _answerable(element):
                self.send(error_reply(element, ErrorCode.INTERNAL))

    def _normalise(self, element: Element) -> None:
        for name in ("from", "to"):
            if (address := element.get(name)) is not None:
                element.set(name, str(JID(address)))

    def _is_pong(self, element: Element) -> bool:
        if kind_of(element) != "iq" or element.get("from") != self._server_domain:
            return False
        # An error is as good as a result: either shows that the stream was read up to the ping.
        pong = self._pings.get(element.get("id", "")) if element.get("type") in ("result", "error") else None
        if pong is None or pong.done():
            return False
        pong.set_result(None)
        return True


def _answerable(element: Element) -> bool:
    kind, name = element.get("type", ""), kind_of(element)
    return kind != "error" and (name == "message" or (name == "iq" and kind in ("get", "set")))
