"""Two hundred ways to smuggle a recipient or a letter into a letter, against a real SMTP server: none arrives."""

from __future__ import annotations

import re
import smtplib
from asyncio import to_thread
from collections.abc import AsyncIterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.utils import getaddresses
from typing import Any

import jsonschema
import pytest

from ai_worker.tools.kit.email_sender import DESCRIPTION, EmailSender, server_of
from ai_worker.tools.port import Given, Means, ToolFailed
from aiox.kernel.tools import Terms
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress, NotAnswered
from aiox.runtime.egress.urls import Blocked
from tests.security.ai_worker.tools.mail_server import Letters, mail_server
from tests.unit.ai_worker.tools.means import MEANS

FRIEND, EVIL = "friend@example.org", "evil@example.com"
BREAKS = {
    "crlf": "\r\n", "lf": "\n", "cr": "\r", "lfcr": "\n\r", "vt": "\x0b", "ff": "\x0c", "nel": "\x85", "ls": "\u2028",
    "ps": "\u2029", "nul": "\x00", "encoded": "%0d%0a", "word": "=?utf-8?q?=0D=0A?=", "fold": "\r\n ", "tab": "\r\n\t",
    "fs": "\x1c", "rs": "\x1e", "escape": "\\r\\n", "entity": "&#13;&#10;", "wide": "\uff0a\uff0d", "two": "\r\n\r\n",
}  # fmt: skip
HEADS = ("Bcc: ", "Cc: ", "To: ", "Resent-To: ")
SEPARATED = (",", ";", " ", ", ", "\t", ">,<", "> <", "\r\n", "\n", "%2c", "\u3001", "\uff0c", "(x)", '"', "|")


HEADERS = (
    "Content-Type", "MIME-Version", "Content-Transfer-Encoding", "From", "To", "Subject", "Date", "Message-ID",
    "Auto-Submitted",
)  # fmt: skip


def tricks() -> dict[str, dict[str, Any]]:
    """Arguments by name."""
    plain: dict[str, Any] = {"to": [FRIEND], "subject": "Hello", "body": "Dear friend"}
    found: dict[str, dict[str, Any]] = {}
    for name, text in BREAKS.items():
        for head in HEADS:
            found[f"subject {name} {head}"] = plain | {"subject": f"Hello{text}{head}{EVIL}"}
        found[f"to {name}"] = plain | {"to": [f"{FRIEND}{text}Bcc: {EVIL}"]}
        found[f"to {name} command"] = plain | {"to": [f"{FRIEND}>{text}RCPT TO:<{EVIL}"]}
        found[f"body {name} dot"] = plain | {
            "body": f"x{text}.{text}MAIL FROM:<a@b.org>{text}RCPT TO:<{EVIL}>{text}DATA"
        }
        found[f"body {name} head"] = plain | {"body": f"{text}Bcc: {EVIL}{text}{text}x"}
    for text in SEPARATED:
        found[f"to separated {text!r}"] = plain | {"to": [f"{FRIEND}{text}{EVIL}"]}
        found[f"to before {text!r}"] = plain | {"to": [f"{EVIL}{text}{FRIEND}"]}
    odd = (
        f"<{EVIL}>", f'"{FRIEND}"@example.com', f"{FRIEND}@example.com", f"{FRIEND} <{EVIL}>", f"group: {EVIL};",
        f"friend%example.com@example.org,{EVIL}", "@example.com:friend@example.org", "friend@[127.0.0.1]", "", " ",
        "evil",
        f"{FRIEND}\ud800", "friend@exämple.org", "a" * 300 + "@example.org",
    )  # fmt: skip
    return found | {f"odd {one!r}": plain | {"to": [one]} for one in odd}


@pytest.fixture
async def letters() -> AsyncIterator[Letters]:
    async with mail_server() as running:
        yield running


def tool(letters: Letters) -> EmailSender:
    reach = Reach((f"127.0.0.1:{letters.port}",))
    return EmailSender(Means(MEANS.sandbox, Egress(reach), reach))


def given(letters: Letters) -> Given:
    return Given(Terms(), secret=f"smtp://127.0.0.1:{letters.port}/?from=agent@hub.example")


def reached(letters: Letters) -> set[str]:
    """Everybody a letter went to, or says that it goes to."""
    found = set()
    for recipients, content in letters.got:
        read = message_from_bytes(content)
        heads = [value for name in ("to", "cc", "bcc", "resent-to") for value in read.get_all(name, [])]
        found |= {*recipients, *(address for _, address in getaddresses(heads))}
    return found


def test_there_are_two_hundred() -> None:
    assert len(tricks()) >= 200


async def test_no_trick_reaches_anybody_else(letters: Letters) -> None:
    """Past the schema, too: every trick is given to the tool itself."""
    sender, sent = tool(letters), 0
    for arguments in tricks().values():
        before = len(letters.got)
        try:
            await sender.run(arguments, given(letters))
            sent += 1
        except ToolFailed:
            assert len(letters.got) == before
            continue
        assert len(letters.got) == before + 1
    assert reached(letters) == {FRIEND}
    assert {tuple(message_from_bytes(content).keys()) for _, content in letters.got} == {HEADERS}
    assert sent > 20


def test_most_do_not_pass_the_schema() -> None:
    schema = jsonschema.Draft202012Validator(dict(DESCRIPTION.schema))
    assert sum(not schema.is_valid(arguments) for arguments in tricks().values()) > 100


@pytest.mark.control
async def test_put_together_by_hand_some_do(letters: Letters) -> None:
    def naive(arguments: dict[str, Any]) -> None:
        text = f"From: agent@hub.example\r\nTo: {', '.join(arguments['to'])}\r\nSubject: {arguments['subject']}\r\n\r\n"
        with smtplib.SMTP("127.0.0.1", letters.port, timeout=20) as client:
            named = re.findall(r"[\w.+-]+@[\w.-]+\w", text)
            client.sendmail("agent@hub.example", named, text.encode("utf-8", "replace"))

    for name, arguments in list(tricks().items())[:120]:
        if name.startswith(("subject", "to")):
            try:
                await to_thread(naive, arguments)
            except (smtplib.SMTPException, ValueError, UnicodeError):
                continue
    assert EVIL in reached(letters)


async def test_a_letter_arrives_as_it_was_meant(letters: Letters) -> None:
    said = await tool(letters).run(
        {"to": [FRIEND, "nobody@example.org"], "subject": "Grüße", "body": "Zeile 1\n.\nZeile ü"}, given(letters)
    )
    assert said == f"Sent to {FRIEND}. The server refused nobody@example.org."
    ((recipients, content),) = letters.got
    read = message_from_bytes(content)
    assert recipients == [FRIEND]
    assert (read["From"], read["Auto-Submitted"]) == ("agent@hub.example", "auto-generated")
    body = read.get_payload(decode=True)
    assert isinstance(body, bytes)
    assert body.decode().replace("\r\n", "\n") == "Zeile 1\n.\nZeile ü"


@pytest.mark.control
async def test_an_encoded_word_that_is_decoded_and_written_out_lets_one_in() -> None:
    """As Python's email.message does, where it is not mended yet (CVE-2024-6923)."""
    subject = str(make_header(decode_header(f"=?utf-8?q?Hello=0D=0ABcc=3A_{EVIL}?=")))
    assert message_from_bytes(f"Subject: {subject}\r\n\r\nbody".encode())["Bcc"] == EVIL


async def test_when_all_are_refused_it_says_so(letters: Letters) -> None:
    with pytest.raises(ToolFailed, match="none of them"):
        await tool(letters).run({"to": ["nobody@example.org"], "subject": "x", "body": "x"}, given(letters))


async def test_a_server_that_is_not_public_or_without_tls_is_not_used(letters: Letters) -> None:
    sender = EmailSender(MEANS)
    with pytest.raises(Blocked):
        await sender.run({"to": [FRIEND], "subject": "x", "body": "x"}, given(letters))
    over_tls = Given(Terms(timeout_ms=5000), secret=f"smtps://127.0.0.1:{letters.port}/?from=agent@hub.example")
    with pytest.raises(NotAnswered):
        await tool(letters).run({"to": [FRIEND], "subject": "x", "body": "x"}, over_tls)
    assert letters.got == []


@pytest.mark.parametrize(
    "secret",
    ["", "x", "https://h/?from=a@b.org", "smtps://h:99999/?from=a@b.org", "smtps://h", "smtps://h/?from=a", "smtps:///?from=a@b.org",
     "smtps://h/?from=a@b.org%0d%0aBcc:x@y.org", "smtps://h/?from=a@b.org&from=c@d.org"],
)  # fmt: skip
def test_a_credential_that_is_none(secret: str) -> None:
    with pytest.raises(ToolFailed, match="form"):
        server_of(secret)
