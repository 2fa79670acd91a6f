"""A bare XMPP client that logs in with a token (SASL X-OAUTH2): nothing but the stream of RFC 6120."""

from __future__ import annotations

import asyncio
import base64
import ssl
from pathlib import Path

_OPEN = "<?xml version='1.0'?><stream:stream to='{0}' version='1.0' xmlns='jabber:client'"
_OPEN += " xmlns:stream='http://etherx.jabber.org/streams'>"
_BIND = "<iq type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>"


class Connection:
    """One stream to the server on loopback."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def until(self, *ends: str) -> str:
        """What came in, up to the first of these texts or the end of the stream."""
        text = ""
        async with asyncio.timeout(60):
            while not any(end in text for end in ends):
                more = await self._reader.read(65_536)
                if not more:
                    break
                text += more.decode()
        return text

    async def ask(self, text: str, *ends: str) -> str:
        """Sends, and waits for the answer."""
        self._writer.write(text.encode())
        return await self.until(*ends)

    async def close(self) -> None:
        self._writer.close()


async def log_in(port: int, ca_file: Path, jid: str, token: str) -> Connection | None:
    """A bound stream, or None when the server does not take the token."""
    name, _, domain = jid.partition("@")
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    stream = Connection(reader, writer)
    await stream.ask(_OPEN.format(domain), "</stream:features>")
    await stream.ask("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", "<proceed")
    await writer.start_tls(ssl.create_default_context(cafile=str(ca_file)), server_hostname=domain)
    await stream.ask(_OPEN.format(domain), "</stream:features>")
    secret = base64.b64encode(f"\0{name}\0{token}".encode()).decode()
    said = await stream.ask(
        f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='X-OAUTH2'>{secret}</auth>", "<success", "<failure"
    )
    if "<success" not in said:
        await stream.close()
        return None
    await stream.ask(_OPEN.format(domain), "</stream:features>")
    bound = await stream.ask(_BIND, "</iq>", "</stream:stream>")
    assert "type='result'" in bound, bound
    return stream
