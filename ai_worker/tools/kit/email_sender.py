"""Sends one plain letter by the owner's mail server. Headers are made here; nothing of a model's words becomes one."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.header import Header
from email.mime.text import MIMEText
from email.policy import compat32
from email.utils import format_datetime, localtime, make_msgid
from typing import Any, Final
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from ai_worker.tools.port import Given, Means, ToolFailed
from aiox.kernel.tools import Terms, ToolDescription
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import NotAnswered
from aiox.runtime.egress.urls import read_host

_ADDRESS: Final = (
    r"^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])$"
)
DESCRIPTION: Final = ToolDescription(
    name="email_sender",
    description="Sends one plain-text e-mail. To people who are not on the owner's list only after an approval.",
    schema={
        "type": "object",
        "properties": {
            "to": {
                "type": "array",
                "minItems": 1,
                "maxItems": 20,
                "uniqueItems": True,
                "items": {"type": "string", "maxLength": 254, "pattern": _ADDRESS},
            },
            "subject": {
                "type": "string",
                "minLength": 1,
                "maxLength": 200,
                "pattern": r"^[^\x00-\x1f\x7f-\x9f\u2028\u2029]*$",
            },
            "body": {"type": "string", "minLength": 1, "maxLength": 20000},
        },
        "required": ["to", "subject", "body"],
        "additionalProperties": False,
    },
    worker_type="python",
    risk="high",
    read_only=False,
    terms=Terms(timeout_ms=30_000, max_bytes=4096, rate_limit_per_minute=5),
    credential="smtp",
    outward=True,
)
_PORTS: Final = {"smtps": 465, "smtp": 587}
_FITS: Final = re.compile(_ADDRESS)
_MIME: Final = ("Content-Type", "MIME-Version", "Content-Transfer-Encoding")
_PLAIN: Final = 60
_MAX_ADDRESS: Final = 254
_BREAK: Final = re.compile(r"[\r\n\t]")
_CONTROL: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Server:
    """The owner's mail server, from a credential `smtps://user:password@host:465/?from=a@b` (smtp: with STARTTLS)."""

    host: str
    port: int
    tls: bool
    sender: str
    user: str = ""
    password: str = field(default="", repr=False)


class EmailSender:
    """See DESCRIPTION."""

    name = DESCRIPTION.name

    def __init__(self, means: Means) -> None:
        self._reach = means.reach

    async def run(self, arguments: Mapping[str, Any], given: Given) -> str:
        """To whom it went. Nothing is sent twice: what cannot be told apart is not tried again."""
        server = server_of(given.secret)
        letter = letter_of(server.sender, arguments["to"], arguments["subject"], arguments["body"])
        try:
            refused = await _send(server, letter, list(arguments["to"]), self._reach, given.terms.timeout_ms / 1000)
        except aiosmtplib.SMTPRecipientsRefused:
            raise ToolFailed("The mail server takes a letter for none of them.") from None
        except (aiosmtplib.SMTPException, OSError) as broken:
            raise NotAnswered(f"The mail server could not be used: {type(broken).__name__}.") from None
        sent = [one for one in arguments["to"] if one not in refused]
        not_sent = f" The server refused {', '.join(sorted(refused))}." if refused else ""
        return f"Sent to {', '.join(sent)}.{not_sent}"


def server_of(secret: str) -> Server:
    """Raises ToolFailed for a credential that names no server; nothing of it stands in the text."""
    try:
        url = urlsplit(secret)
        (sender,) = parse_qs(url.query)["from"]
        port = url.port or _PORTS[url.scheme]
        fits = url.scheme in _PORTS and url.hostname and _is_address(sender)
    except (ValueError, KeyError):
        fits = None
    if not fits:
        raise ToolFailed("The SMTP credential is not of the form smtps://user:password@host:465/?from=address.")
    host = read_host(url.hostname or "")
    return Server(host, port, url.scheme == "smtps", sender, unquote(url.username or ""), unquote(url.password or ""))


def letter_of(sender: str, to: list[str], subject: str, body: str) -> bytes:
    """The letter. Raises ToolFailed for what cannot stand in one.

    Not by email.message.EmailMessage: it decodes encoded words in a subject and writes the line breaks in them out.
    """
    if not all(_is_address(one) for one in (sender, *to)) or _CONTROL.search(subject) or _BREAK.search(subject):
        raise ToolFailed("An address or the subject has characters that a letter's head must not have.")
    text = _CONTROL.sub("", body).replace("\r\n", "\n").replace("\r", "\n")
    letter = MIMEText(text, "plain", "utf-8")
    heads = {
        "From": sender,
        "To": ",\n ".join(to),
        "Subject": subject
        if subject.isascii() and len(subject) < _PLAIN and "=?" not in subject
        else _encoded(subject),
        "Date": format_datetime(localtime()),
        "Message-ID": make_msgid(domain=sender.rpartition("@")[2]),
        "Auto-Submitted": "auto-generated",
    }
    for name, value in heads.items():
        letter[name] = value
    written = letter.as_bytes(policy=compat32.clone(linesep="\r\n"))
    _check_head(written, [*_MIME, *heads])
    return written


def _encoded(subject: str) -> str:
    return Header(subject, "utf-8", header_name="Subject").encode()


def _is_address(text: str) -> bool:
    return len(text) <= _MAX_ADDRESS and _FITS.fullmatch(text) is not None


def _check_head(letter: bytes, names: list[str]) -> None:
    """The last look: each head that was meant stands there once, and no other."""
    lines = letter.partition(b"\r\n\r\n")[0].split(b"\r\n")
    found = [line.partition(b":")[0].decode(errors="replace") for line in lines if not line.startswith(b" ")]
    if sorted(found) != sorted(names) or any(byte in line for line in lines for byte in (b"\r", b"\n", b"\0")):
        raise ToolFailed("These words cannot be made a letter.")


async def _send(server: Server, letter: bytes, to: list[str], reach: Reach, timeout_s: float) -> set[str]:
    """By a connection to an address that was judged. Returns who was refused."""
    (address, *_) = await reach.addresses(server.host, server.port)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM)
    connection.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(connection, (address, server.port))
    except OSError:
        connection.close()
        raise
    plain = f"{address}:{server.port}" in reach.internal
    client = aiosmtplib.SMTP(
        hostname=server.host,
        sock=connection,
        port=None,
        use_tls=server.tls,
        start_tls=None if plain else not server.tls,
        local_hostname="localhost",
        timeout=timeout_s,
    )
    async with client:
        if server.user:
            await client.login(server.user, server.password)
        refused, _ = await client.sendmail(server.sender, to, letter)
    return set(refused)


make = EmailSender
