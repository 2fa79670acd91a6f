"""Letters: as files, and through an SMTP server that speaks just enough; and when neither takes them."""

from __future__ import annotations

import asyncio
import email
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest

from aiox.runtime.clock import SystemClock
from aiox.runtime.mail import FilePost, Letter, MailTrouble, SmtpPost, compose, post_of
from aiox.runtime.settings import Mail, Settings

LETTER = Letter("ada@example.org", "Grüße", "Hello,\n\n.a line with a dot\nhttps://hub.example/?reset#token=a.b\n")


def settings(home: Path, **mail: object) -> Settings:
    return Settings(home=home, mail=Mail.model_validate(mail))


class Server:
    """An SMTP server without TLS (RFC 5321). `refuses` is the answer to a recipient."""

    def __init__(self, refuses: str = "") -> None:
        self.refuses = refuses
        self.taken: list[EmailMessage] = []
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(line.encode() + b"\r\n")

        say("220 here")
        while line := (await reader.readline()).decode().strip():
            match line.split()[0].upper():
                case "RCPT" if self.refuses:
                    say(self.refuses)
                case "DATA":
                    say("354 go on")
                    raw = await reader.readuntil(b"\r\n.\r\n")
                    text = raw[:-3].replace(b"\r\n..", b"\r\n.")
                    self.taken.append(email.message_from_bytes(text, policy=default))
                    say("250 taken")
                case "QUIT":
                    say("221 bye")
                    break
                case _:
                    say("250 fine")
        writer.close()


@asynccontextmanager
async def running(server: Server) -> AsyncIterator[Server]:
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        server.port = listening.sockets[0].getsockname()[1]
        yield server


def check(message: EmailMessage) -> None:
    assert (message["To"], message["From"], message["Subject"]) == (LETTER.to, "hub@localhost", LETTER.subject)
    assert message.get_content().replace("\r\n", "\n") == LETTER.text
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["Message-ID"]
    assert message["Date"]


async def test_without_a_server_letters_are_private_files(tmp_path: Path) -> None:
    post = post_of(settings(tmp_path), SystemClock())
    assert isinstance(post, FilePost)
    await post.send(LETTER)
    await post.send(LETTER)
    files = list((tmp_path / "mail").glob("*.eml"))
    assert len(files) == 2
    for file in files:
        check(email.message_from_bytes(file.read_bytes(), policy=default))
        assert file.stat().st_mode & 0o777 == 0o600


async def test_a_long_link_stands_whole_in_the_file(tmp_path: Path) -> None:
    link = f"https://hub.example/?reset#token={'a' * 66}"
    await post_of(settings(tmp_path), SystemClock()).send(Letter("ada@example.org", "s", f"Here:\n\n{link}\n"))
    (file,) = (tmp_path / "mail").glob("*.eml")
    assert link in file.read_text().splitlines()


async def test_letters_to_somebody_and_those_that_name_them_are_forgotten(tmp_path: Path) -> None:
    post = post_of(settings(tmp_path), SystemClock())
    invited = "{} invites you to the organisation {!r} on this hub.\n"
    for letter in (
        Letter("Ada@Example.org", "s", "to her"),
        Letter("bob@example.org", "s", invited.format("ada@localhost", "House")),
        Letter("bob@example.org", "s", invited.format("ada@localhost", "Häuschen " * 20)),
        Letter("eve@example.org", "s", invited.format("dada@localhost", "House")),
        Letter("ada@example.organic", "s", "to another"),
    ):
        await post.send(letter)
    await post.forget("ada@example.org", "ada@localhost")
    left = [email.message_from_bytes(file.read_bytes(), policy=default) for file in (tmp_path / "mail").glob("*.eml")]
    assert sorted(one["To"] for one in left) == ["ada@example.organic", "eve@example.org"]


async def test_a_folder_that_takes_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file is in the way")
    with pytest.raises(MailTrouble):
        await post_of(settings(tmp_path), SystemClock()).send(LETTER)


async def test_with_a_server_letters_go_there(tmp_path: Path) -> None:
    async with running(Server()) as server:
        post = post_of(settings(tmp_path, host="127.0.0.1", port=server.port, security="none"), SystemClock())
        assert isinstance(post, SmtpPost)
        await post.send(LETTER)
    check(server.taken[0])


async def test_a_server_that_refuses_or_is_away_is_told_without_the_letter(tmp_path: Path) -> None:
    async with running(Server("550 no such person")) as server:
        post = post_of(settings(tmp_path, host="127.0.0.1", port=server.port, security="none"), SystemClock())
        with pytest.raises(MailTrouble) as refused:
            await post.send(LETTER)
    with pytest.raises(MailTrouble) as away:
        await post.send(LETTER)
    for trouble in (refused, away):
        assert LETTER.to not in str(trouble.value)
        assert "token" not in str(trouble.value)


async def test_starttls_is_not_done_without(tmp_path: Path) -> None:
    async with running(Server()) as server:
        post = post_of(settings(tmp_path, host="127.0.0.1", port=server.port), SystemClock())
        with pytest.raises(MailTrouble):
            await post.send(LETTER)
    assert server.taken == []


@pytest.mark.parametrize("to", ["ada@example.org\r\nBcc: eve@example.org", "ada@example.org\nx"])
def test_an_address_cannot_add_headers(to: str) -> None:
    with pytest.raises(MailTrouble):
        compose(Letter(to, "s", "t"), "hub@localhost", "localhost", SystemClock())
