"""A logged-in XMPP stream: STARTTLS with a verified certificate, SCRAM-SHA-256, or one sentence that says why not."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element

from slixmpp import ClientXMPP
from slixmpp.exceptions import IqError, IqTimeout
from slixmpp.jid import InvalidJID
from slixmpp.xmlstream.handler import Callback
from slixmpp.xmlstream.matcher import MatchXPath

LOGIN_S: Final = 15.0
REASON_S: Final = 0.2
CLIENT: Final = "jabber:client"


class ChatTrouble(Exception):
    """The chat cannot go on. The message is one sentence for a person: what happened, and the mend."""


class Stream:
    """One client stream. `receive` is called for every message."""

    def __init__(
        self, jid: str, password: str, host: str, port: int, ca_file: Path | None, receive: Callable[[Element], None]
    ) -> None:
        # slixmpp logs failures that are raised here as one sentence.
        logging.getLogger("slixmpp").setLevel(logging.CRITICAL)
        self._where = f"{host}:{port}"
        self._address = (host, port)
        self._receive = receive
        self._settled = asyncio.Event()
        self._trouble = ""
        self._lost = False
        self._on_lost: set[Callable[[], object]] = set()
        try:
            self._xmpp = self._make(jid, password, _tls(ca_file))
        except InvalidJID as wrong:
            raise ChatTrouble(f"{jid!r} is not an XMPP address. Mend: give one like name@domain.") from wrong

    @property
    def jid(self) -> str:
        """Our full address, as the server gave it."""
        return str(self._xmpp.boundjid)

    async def open(self) -> None:
        """Connects and logs in. Raises ChatTrouble."""
        self._xmpp.connect(*self._address)
        try:
            async with asyncio.timeout(LOGIN_S):
                await self._settled.wait()
        except TimeoutError:
            self._trouble = f"The XMPP server at {self._where} did not let us in within {LOGIN_S:g} s."
        if self._trouble:
            trouble = self._trouble
            self._xmpp.cancel_connection_attempt()
            with suppress(AttributeError):  # a TLS transport that is closed already has nothing to abort (Python 3.11)
                self._xmpp.abort()
            self._stop_sending()
            raise ChatTrouble(trouble)
        self._xmpp.send_presence()

    async def close(self) -> None:
        """Ends the stream in good order."""
        await self._xmpp.disconnect(wait=1.0)
        self._stop_sending()

    def _stop_sending(self) -> None:
        # slixmpp leaves its sending task running until the stream object is collected.
        if (sending := self._xmpp._run_out_filters) is not None:
            sending.cancel()

    @contextmanager
    def watched(self, tell: Callable[[], object]) -> Iterator[None]:
        """Within it, `tell` is called when the stream ends."""
        self._on_lost.add(tell)
        try:
            yield
        finally:
            self._on_lost.discard(tell)

    def send(self, to: str, stanza_id: str, children: list[Element]) -> None:
        """Sends a chat message made of `children`. Raises ChatTrouble when the stream has ended."""
        if self._lost:
            raise ChatTrouble(self._trouble or f"The XMPP server at {self._where} closed the connection.")
        message = self._xmpp.Message()
        message["to"] = to
        message["type"] = "chat"
        message["id"] = stanza_id
        for child in children:
            message.xml.append(child)
        self._xmpp.send(message)

    async def query(self, element: Element) -> Element:
        """Asks the own server (iq of type set). Raises ChatTrouble when the stream has ended or it does not answer."""
        if self._lost:
            raise ChatTrouble(self._trouble)
        iq = self._xmpp.make_iq_set(sub=element)
        try:
            answer = await iq.send(timeout=LOGIN_S)  # type: ignore[no-untyped-call]
        except (IqError, IqTimeout) as refused:
            raise ChatTrouble(f"The XMPP server at {self._where} did not answer a query: {refused!r}.") from refused
        found: Element = answer.xml
        return found

    def on_lost(self, tell: Callable[[], object]) -> None:
        """From now on, `tell` is called when the stream ends."""
        self._on_lost.add(tell)

    def drop(self) -> None:
        """Lets go of a stream that has ended."""
        self._xmpp.abort()
        self._stop_sending()

    def _make(self, jid: str, password: str, tls: ssl.SSLContext) -> ClientXMPP:
        xmpp = ClientXMPP(jid, password, sasl_mech="SCRAM-SHA-256", ssl_context=tls)
        xmpp.enable_plaintext = False
        xmpp.enable_direct_tls = False
        xmpp.auto_authorize = None
        xmpp.auto_subscribe = False
        xmpp.remove_handler("IM")
        xmpp.remove_handler("IMError")
        xmpp.register_handler(Callback("chat", MatchXPath(f"{{{CLIENT}}}message"), lambda got: self._receive(got.xml)))
        xmpp.add_event_handler("session_start", lambda _: self._settled.set())
        for event, sentence in self._sentences(jid).items():
            xmpp.add_event_handler(event, self._fails_with(sentence))
        xmpp.add_event_handler("disconnected", self._on_end)
        return xmpp

    def _sentences(self, jid: str) -> dict[str, str]:
        domain = jid.partition("/")[0].rpartition("@")[2]
        return {
            "connection_failed": f"No XMPP server answers at {self._where}. Mend: is the hub up? 'make up' starts it.",
            "ssl_invalid_chain": f"The server at {self._where} has no certificate for {domain} that we trust."
            " Mend: give the hub's CA file with --ca.",
            "no_auth": f"The server at {self._where} does not offer SCRAM-SHA-256 over TLS, and nothing less is used.",
            "failed_auth": f"The server refused the password of {jid}.",
        }

    def _fails_with(self, sentence: str) -> Callable[[Any], None]:
        def failed(_event: Any) -> None:
            self._trouble = self._trouble or sentence
            self._settled.set()

        return failed

    def _on_end(self, _reason: Any) -> None:
        # The event that says why comes a little later than this one when TLS fails.
        asyncio.get_running_loop().call_later(REASON_S, self._ended)

    def _ended(self) -> None:
        self._trouble = self._trouble or f"The XMPP server at {self._where} closed the connection."
        self._settled.set()
        self._lost = True
        for tell in list(self._on_lost):
            tell()


def _tls(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError) as wrong:
        raise ChatTrouble(f"The CA file {ca_file} cannot be read: {wrong}.") from wrong
