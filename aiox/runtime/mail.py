"""Letters to people: by SMTP where a server is set, else as files that the operator can read."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import format_datetime, make_msgid
from pathlib import Path
from typing import Final, Protocol
from uuid import uuid4

import aiosmtplib

from aiox.runtime.clock import Clock
from aiox.runtime.secrets import Secrets
from aiox.runtime.settings import Settings

_BUDGET_S: Final = 30.0


class MailTrouble(Exception):
    """A letter could not be handed on. The message says why, and nothing of the letter."""


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter in plain text."""

    to: str
    subject: str
    text: str


class Post(Protocol):
    """Where letters go."""

    async def send(self, letter: Letter) -> None:
        """Hands the letter on. Raises MailTrouble."""
        ...

    async def forget(self, to: str, jid: str) -> None:
        """Deletes the letters kept here that go to an address, or whose text names this JID. Raises OSError."""
        ...


class SmtpPost:
    """Sends through the server of the settings, each letter on a connection of its own."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._mail = settings.mail
        self._domain = settings.domain
        self._clock = clock

    async def send(self, letter: Letter) -> None:
        """Hands the letter to the server. Raises MailTrouble."""
        mail = self._mail
        try:
            await aiosmtplib.send(
                compose(letter, mail.sender or f"hub@{self._domain}", self._domain, self._clock),
                hostname=mail.host,
                port=mail.port,
                username=mail.user or None,
                password=mail.password or None,
                use_tls=mail.security == "tls",
                start_tls=mail.security == "starttls",
                tls_context=ssl.create_default_context() if mail.security != "none" else None,
                timeout=_BUDGET_S,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as refused:
            raise MailTrouble(f"{mail.host} did not take a letter: {type(refused).__name__}") from refused

    async def forget(self, to: str, jid: str) -> None:
        """Nothing is kept here."""


class FilePost:
    """Writes each letter as an .eml file, for hubs without a mail server: the operator hands the links on."""

    def __init__(self, folder: Path, settings: Settings, clock: Clock) -> None:
        self._folder = folder
        self._settings = settings
        self._clock = clock

    async def send(self, letter: Letter) -> None:
        """Writes the letter, readable by the hub's user only. Raises MailTrouble."""
        sender = self._settings.mail.sender or f"hub@{self._settings.domain}"
        message = compose(letter, sender, self._settings.domain, self._clock)
        name = f"{self._clock.now():%Y%m%d-%H%M%S}-{uuid4().hex[:8]}.eml"
        try:
            await asyncio.to_thread(Secrets(self._folder).write, name, bytes(message))
        except OSError as full:
            raise MailTrouble(f"{self._folder} does not take a letter: {full.strerror}") from full

    async def forget(self, to: str, jid: str) -> None:
        """Deletes the files of letters to this address, compared in lower case, and those that name the JID, as
        invitations do of who invites. Raises OSError.
        """
        await asyncio.to_thread(_delete_letters, self._folder, to.lower(), jid)


def _delete_letters(folder: Path, to: str, jid: str) -> None:
    for path in sorted(folder.glob("*.eml")):
        letter = message_from_bytes(path.read_bytes(), policy=default)
        words = letter.get_content().split() if letter.get_content_maintype() == "text" else []
        if str(letter["To"] or "").strip().lower() == to or jid in words:
            path.unlink()


def post_of(settings: Settings, clock: Clock) -> Post:
    """The way letters go on this hub."""
    return SmtpPost(settings, clock) if settings.mail.host else FilePost(settings.home / "mail", settings, clock)


def compose(letter: Letter, sender: str, domain: str, clock: Clock) -> EmailMessage:
    """The letter as a message (RFC 5322). Raises MailTrouble for an address or subject that breaks a header."""
    message = EmailMessage()
    try:
        message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    except (ValueError, IndexError) as bad:
        raise MailTrouble("the address or the subject does not fit into a header") from bad
    message["Date"] = format_datetime(clock.now())
    message["Message-ID"] = make_msgid(domain=domain)
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no out-of-office answers to a hub
    # As it stands where it can: an operator copies a link out of the file, and it must not be broken into lines.
    message.set_content(letter.text, cte="7bit" if letter.text.isascii() else "quoted-printable")
    return message
