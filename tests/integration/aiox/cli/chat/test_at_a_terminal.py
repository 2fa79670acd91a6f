"""`aiox chat` as its user has it: a terminal of its own, keys, pastes, a server that goes away and comes back."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from aiox.cli.chat.access import DEMO
from tests.integration.component.door import Door, open_door
from tests.integration.component.servers import AGENTS, Ejabberd, ejabberd, nats_server, until

RUN = "import typer; from aiox.cli.chat.terminal import chat; typer.run(chat)"
UP, LEFT, ENTER, END_OF_INPUT = "\x1b[A", "\x1b[D", "\r", "\x04"
PASTE = "\x1b[200~{}\x1b[201~"
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]|\r")
PATIENCE_S = 60


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ejabberd]:
    with ejabberd(tmp_path_factory.mktemp("ejabberd")) as running:
        running.register("demo", "demo-password")
        yield running


@pytest.fixture
async def door(server: Ejabberd, tmp_path: Path) -> AsyncIterator[Door]:
    with nats_server(tmp_path / "nats") as bus:
        async with open_door(server, bus, tmp_path) as opened:
            yield opened


class Terminal:
    """A pseudo terminal with the chat in it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._seen = ""
        self._news = asyncio.Event()
        self.ended = False
        asyncio.get_running_loop().add_reader(handle, self._read)

    def _read(self) -> None:
        try:
            more = os.read(self._handle, 65_536)
        except OSError:  # the other end is closed
            more = b""
        if not more:
            self.ended = True
            asyncio.get_running_loop().remove_reader(self._handle)
        if b"\x1b[6n" in more:
            os.write(self._handle, b"\x1b[1;1R")  # where the cursor is, as a terminal answers
        self._seen += more.decode(errors="replace")
        self._news.set()

    def type(self, text: str | bytes) -> None:
        os.write(self._handle, text.encode() if isinstance(text, str) else text)

    @property
    def shown(self) -> str:
        return ESCAPES.sub("", self._seen)

    async def until_shown(self, text: str, times: int = 1) -> None:
        try:
            async with asyncio.timeout(PATIENCE_S):
                while self.shown.count(text) < times:
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            raise AssertionError(f"{text!r} was not shown {times} times, but:\n{self.shown}") from None


@asynccontextmanager
async def chatting(server: Ejabberd, home: Path) -> AsyncIterator[Terminal]:
    demo = {
        "jid": "demo@localhost",
        "password": "demo-password",
        "agent_jid": f"agent-11111111-1111-4111-8111-111111111111@{AGENTS}",
        "host": "127.0.0.1",
        "port": server.client_port,
        "ca_file": str(server.ca_file),
    }
    (home / DEMO).write_text(json.dumps(demo))
    environment = {**os.environ, "AIOX_HOME": str(home), "TERM": "xterm", "PYTHONPATH": str(Path.cwd())}
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN), stdin=slave, stdout=slave, stderr=slave, env=environment, start_new_session=True
    )
    os.close(slave)
    terminal = Terminal(master)
    try:
        await terminal.until_shown("you>")
        yield terminal
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.wait()
        asyncio.get_running_loop().remove_reader(master)
        os.close(master)


def said(door: Door) -> list[str]:
    return [question.body for question in door.seen]


async def test_a_line_is_edited_with_the_arrow_keys_and_asked_again_from_the_history(
    server: Ejabberd, door: Door, tmp_path: Path
) -> None:
    async with chatting(server, tmp_path) as terminal:
        terminal.type(f"helo{LEFT}l{ENTER}")
        await terminal.until_shown("You said: hello")
        await terminal.until_shown("✓ received after")
        terminal.type(f"{UP}{ENTER}")
        await terminal.until_shown("You said: hello", 2)
        assert said(door) == ["hello", "hello"]


async def test_many_lines_are_pasted_as_one_message(server: Ejabberd, door: Door, tmp_path: Path) -> None:
    async with chatting(server, tmp_path) as terminal:
        terminal.type(PASTE.format("one\ntwo\nthree") + ENTER)
        await terminal.until_shown("three", 2)
        await until(lambda: said(door) == ["one\ntwo\nthree"])


async def test_what_cannot_be_sent_is_one_clear_line_and_the_next_is_answered(
    server: Ejabberd, door: Door, tmp_path: Path
) -> None:
    async with chatting(server, tmp_path) as terminal:
        terminal.type(PASTE.format("a\x07b") + ENTER)
        await terminal.until_shown("This has the control character U+0007 at position 2. Nothing was sent")
        terminal.type(b"x\xffy" + ENTER.encode())
        await terminal.until_shown("a byte that is no UTF-8 at position 2")
        terminal.type(f"still here{ENTER}")
        await terminal.until_shown("You said: still here")
        assert said(door) == ["still here"]


async def test_typing_and_receipt_are_shown_while_one_goes_on_typing(
    server: Ejabberd, door: Door, tmp_path: Path
) -> None:
    answer = door.answer
    door.answer = lambda question: None
    async with chatting(server, tmp_path) as terminal:
        terminal.type(f"slow{ENTER}")
        await terminal.until_shown("typing…")  # of what stood there only the difference is painted
        terminal.type("meanwhile")
        await terminal.until_shown("meanwhile")
        door.answer = answer
        terminal.type(ENTER)
        await terminal.until_shown("You said: meanwhile")


@pytest.mark.parametrize("keys", [f"/quit{ENTER}", END_OF_INPUT])
async def test_it_ends_when_it_is_asked_to(server: Ejabberd, door: Door, tmp_path: Path, keys: str) -> None:
    assert door.link.up
    async with chatting(server, tmp_path) as terminal:
        terminal.type(keys)
        async with asyncio.timeout(PATIENCE_S):
            while not terminal.ended:
                await asyncio.sleep(0.05)


async def test_the_connection_comes_back_by_itself(server: Ejabberd, door: Door, tmp_path: Path) -> None:
    async with chatting(server, tmp_path) as terminal:
        terminal.type(f"before{ENTER}")
        await terminal.until_shown("You said: before")
        server.stop()
        await terminal.until_shown("The connection to the XMPP server broke. Trying again.")
        server.start()
        await until(lambda: door.link.up, PATIENCE_S)
        await terminal.until_shown("Connected again.")
        terminal.type(f"after{ENTER}")
        await terminal.until_shown("You said: after")
