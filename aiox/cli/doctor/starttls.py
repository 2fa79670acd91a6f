"""Looks at an XMPP port as a stranger would: does it answer for a name, does it encrypt, and with which certificate."""

from __future__ import annotations

import asyncio
import ssl
from datetime import UTC, datetime
from typing import Final

CLIENT: Final = "jabber:client"
SERVER: Final = "jabber:server"
_TLS: Final = "urn:ietf:params:xml:ns:xmpp-tls"
_HEADER: Final = (
    "<?xml version='1.0'?><stream:stream xmlns='{kind}' xmlns:stream='http://etherx.jabber.org/streams'"
    " to='{name}' version='1.0'>"
)
_PATIENCE_S: Final = 10.0
_MOST: Final = 65_536


class NotShown(Exception):
    """No certificate that counts was shown. The message is a sentence without its full stop."""


async def shown(address: str, port: int, name: str, kind: str, trust: ssl.SSLContext) -> datetime:
    """Until when the certificate holds that is shown for `name`. Raises NotShown.

    `kind` is CLIENT or SERVER; `trust` says whose certificates count.
    """
    where = f"{address} port {port}"
    try:
        async with asyncio.timeout(_PATIENCE_S):
            reader, writer = await asyncio.open_connection(address, port)
            try:
                return await _encrypted(reader, writer, name, kind, trust)
            finally:
                writer.close()
    except ssl.SSLCertVerificationError as no:
        raise NotShown(f"{where} shows a certificate that does not count for {name}: {no.verify_message}") from no
    except TimeoutError as silent:
        raise NotShown(f"{where} does not answer within {_PATIENCE_S:g} s") from silent
    except OSError as gone:
        raise NotShown(f"{where} cannot be reached: {gone.strerror or type(gone).__name__}") from gone


async def _encrypted(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, name: str, kind: str, trust: ssl.SSLContext
) -> datetime:
    offered = await _said(reader, writer, _HEADER.format(kind=kind, name=name), "</stream:features>")
    if _TLS not in offered:
        raise NotShown(f"it does not answer for {name}, or offers no encryption")
    if "<proceed" not in await _said(reader, writer, f"<starttls xmlns='{_TLS}'/>", "<proceed"):
        raise NotShown("it offers encryption and does not begin it")
    await writer.start_tls(trust, server_hostname=name)
    certificate = writer.get_extra_info("peercert")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(certificate["notAfter"]), UTC)


async def _said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, text: str, until: str) -> str:
    """What comes back, until a word, an error, the end, or too much."""
    writer.write(text.encode())
    await writer.drain()
    heard = ""
    while until not in heard and "<stream:error" not in heard and len(heard) < _MOST:
        piece = await reader.read(4096)
        if not piece:
            break
        heard += piece.decode(errors="replace")
    return heard
