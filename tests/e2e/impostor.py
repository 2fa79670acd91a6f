"""A server that is not who it says: speaks XMPP to another server's port as far as it is let."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

HEADER = (
    "<?xml version='1.0'?><stream:stream xmlns='jabber:server' xmlns:stream='http://etherx.jabber.org/streams'"
    " xmlns:db='jabber:server:dialback' from='{me}' to='{to}' version='1.0'>"
)
TLS = "urn:ietf:params:xml:ns:xmpp-tls"
SASL = "urn:ietf:params:xml:ns:xmpp-sasl"
PATIENCE_S = 20.0


@dataclass(frozen=True)
class Identity:
    """A certificate and its key, as files; None: it shows none."""

    certificate: Path
    key: Path


class Impostor:
    """One connection to a server, in the name of `me`."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, me: str, to: str) -> None:
        self._reader = reader
        self._writer = writer
        self._me = me
        self._to = to
        self.heard = ""

    async def greet(self) -> str:
        """Opens a stream; what the server offers."""
        return await self.say(HEADER.format(me=self._me, to=self._to), "</stream:features>")

    async def encrypt(self, identity: Identity | None) -> str:
        """STARTTLS with this certificate, then a new stream; what the server offers now. It takes any certificate."""
        await self.say(f"<starttls xmlns='{TLS}'/>", "<proceed")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        if identity is not None:
            context.load_cert_chain(identity.certificate, identity.key)
        await self._writer.start_tls(context, server_hostname=self._to)
        return await self.greet()

    async def external(self) -> bool:
        """SASL EXTERNAL, whether it is offered or not; whether the server took it."""
        text = base64.b64encode(self._me.encode()).decode()
        said = await self.say(f"<auth xmlns='{SASL}' mechanism='EXTERNAL'>{text}</auth>", "<success", "<failure")
        if "<success" not in said:
            return False
        # A pin is looked at behind the success: what counts is whether the stream goes on.
        return "</stream:features>" in await self.greet()

    async def dialback(self, key: str) -> bool:
        """Server dialback with this key; whether the server took it."""
        asked = f"<db:result from='{self._me}' to='{self._to}'>{key}</db:result>"
        return "valid" in (await self.say(asked, "<db:result", "type='")).replace("invalid", "")

    async def message(self, sender: str, to: str) -> str:
        """Sends a message as if there were no more to it; what the server says to that."""
        return await self.say(
            f"<message from='{sender}' to='{to}' type='chat' id='s'><body>hello</body></message>", "<"
        )

    @property
    def ended(self) -> bool:
        """Whether the server has closed the connection."""
        return self._writer.is_closing() or self._reader.at_eof()

    async def tell(self, text: str) -> None:
        """Writes, and waits for nothing but room to write. Raises OSError when the connection has ended."""
        self._writer.write(text.encode())
        await self._writer.drain()

    async def say(self, text: str, *until: str) -> str:
        """Writes and reads until one of these words, or the end. What came since the last words."""
        self.heard = ""
        try:
            self._writer.write(text.encode())
            await self._writer.drain()
            async with asyncio.timeout(PATIENCE_S):
                while not any(word in self.heard for word in (*until, "<stream:error", "</stream:stream>")):
                    piece = await self._reader.read(65_536)
                    if not piece:
                        break
                    self.heard += piece.decode(errors="replace")
        except (OSError, TimeoutError):
            return self.heard
        return self.heard


@asynccontextmanager
async def impostor(address: str, port: int, me: str, to: str) -> AsyncIterator[Impostor]:
    """A connection, closed in the end."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        yield Impostor(reader, writer, me, to)
    finally:
        writer.close()
