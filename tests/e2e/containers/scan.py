"""What a port says to who speaks plain text: nothing, or STARTTLS and no other way on."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WAIT_S: Final = 10.0
HTTP: Final = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
XMPP: Final = (
    b"<?xml version='1.0'?><stream:stream to='localhost' version='1.0' xmlns='jabber:client'"
    b" xmlns:stream='http://etherx.jabber.org/streams'>"
)
REDIS: Final = b"PING\r\n"
POSTGRES: Final = bytes([0, 0, 0, 22, 0, 3, 0, 0]) + b"user\0postgres\0\0"
NATS: Final = b"CONNECT {}\r\nPING\r\n"
QUESTIONS: Final = {"http": HTTP, "xmpp": XMPP, "redis": REDIS, "postgresql": POSTGRES, "nats": NATS}
LOGIN: Final = b"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>AGFkYQBwYXNz</auth>"


@dataclass(frozen=True, slots=True)
class Finding:
    """A protocol that a port speaks without TLS, and what it said."""

    port: int
    protocol: str
    said: bytes


async def plain_text(port: int) -> list[Finding]:
    """Everything that this port of loopback lets be done without TLS; nothing is as it should be."""
    found = []
    for protocol, question in QUESTIONS.items():
        said = await _answer(port, question)
        if not is_fine(protocol, said):
            found.append(Finding(port, protocol, said[:300]))
    if b"not-authorized" in (said := await _answer(port, XMPP + LOGIN)) or b"<success" in said:
        found.append(Finding(port, "login in plain text", said[:300]))
    return found


def is_fine(protocol: str, said: bytes) -> bool:
    """Whether these words let nothing be done: silence, a TLS alert, an HTTP door that asks for TLS, STARTTLS alone."""
    if not said or said[:1] == b"\x15":
        return True
    if said.startswith(b"HTTP/"):
        return b" 400 " in said.split(b"\r\n", 1)[0]
    if b"<stream:stream" in said or b"<?xml" in said:
        required = b"<required/>" in said and b"urn:ietf:params:xml:ns:xmpp-tls" in said
        return (required or b"<stream:error" in said) and b"<mechanism>" not in said
    return False


async def speaks_tls(port: int, ca: Path, name: str) -> bool:
    """Whether a TLS handshake on this port shows a certificate of this CA for this name."""
    context = ssl.create_default_context(cafile=str(ca))
    try:
        async with asyncio.timeout(WAIT_S):
            _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context, server_hostname=name)
    except (OSError, TimeoutError):
        return False
    writer.close()
    return True


async def _answer(port: int, question: bytes) -> bytes:
    said = b""
    try:
        async with asyncio.timeout(WAIT_S):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
    except (OSError, TimeoutError):
        return said
    with contextlib.suppress(OSError, TimeoutError):
        writer.write(question)
        async with asyncio.timeout(2):
            while piece := await reader.read(4096):
                said += piece
    writer.close()
    return said
