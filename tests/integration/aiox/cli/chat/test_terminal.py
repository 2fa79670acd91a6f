"""`aiox chat` as a process of its own, on real servers."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from aiox.cli.chat.access import DEMO
from tests.integration.component.door import Door, open_door, ready_for
from tests.integration.component.servers import AGENTS, Ejabberd, ejabberd, nats_server

RUN = "import typer; from aiox.cli.chat.terminal import chat; typer.run(chat)"


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


@pytest.fixture
def home(server: Ejabberd, tmp_path: Path) -> Path:
    demo = {
        "jid": "demo@localhost",
        "password": "demo-password",
        "agent_jid": f"agent-11111111-1111-4111-8111-111111111111@{AGENTS}",
        "host": "127.0.0.1",
        "port": server.client_port,
        "ca_file": str(server.ca_file),
    }
    (tmp_path / DEMO).write_text(json.dumps(demo))
    return tmp_path


async def _chat(home: Path, *arguments: str, typed: str | bytes = "") -> tuple[int | None, str, str]:
    # The settings read both: hub.toml lies in AIOX_HOME, and `home` is a setting as well.
    environment = {**os.environ, "AIOX_HOME": str(home), "COLUMNS": "200", "PYTHONPATH": str(Path.cwd())}
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN, *arguments),
        env=environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(60):
        out, err = await process.communicate(typed if isinstance(typed, bytes) else typed.encode())
    return process.returncode, out.decode(), err.decode()


async def test_once_prints_only_the_answer(home: Path, door: Door) -> None:
    assert door.link.up
    assert await _chat(home, "--once", "hello") == (0, "You said: hello\n", "")


async def test_once_says_an_error_and_fails(home: Path, door: Door) -> None:
    door.answer = lambda question: ready_for(question, error_code="ACCESS_DENIED")
    code, out, err = await _chat(home, "nobody", "--once", "hello")
    assert (code, out) == (1, "")
    assert err == "There is no agent here that you may talk to. (ACCESS_DENIED)\n"


async def test_conversation_until_quit(home: Path, door: Door) -> None:
    assert door.link.up
    code, out, err = await _chat(home, typed="hello\n\nagain\n/quit\n")
    assert (code, err) == (0, "")
    assert "You said: hello" in out
    assert "You said: again" in out
    assert "received after" in out


async def test_end_of_input_ends_the_conversation(home: Path, door: Door) -> None:
    assert door.link.up
    assert (await _chat(home, typed="hello\n"))[0] == 0


async def test_bytes_that_are_no_text_are_refused_in_words_and_the_next_line_is_answered(
    home: Path, door: Door
) -> None:
    code, out, err = await _chat(home, typed=b"caf\xe9\na\x00b\nhello\n")
    assert (code, err) == (0, "")
    assert "a byte that is no UTF-8 at position 4" in out
    assert "the control character U+0000 at position 2" in out
    assert [question.body for question in door.seen] == ["hello"]


async def test_no_demo_account_is_one_sentence(tmp_path: Path) -> None:
    code, out, err = await _chat(tmp_path, "--once", "hello")
    assert (code, out) == (1, "")
    assert "'make up' makes one" in err
    assert "Traceback" not in err
