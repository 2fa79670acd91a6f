"""The process that parses: it ends, whatever the file does, and what it writes is not believed."""

from __future__ import annotations

import json
import resource
import sys

import pytest

from ai_worker.parsing import port
from ai_worker.parsing.port import BROKEN, TOO_SLOW, answer_of
from ai_worker.parsing.process import ProcessParser
from ai_worker.parsing.text import Unreadable
from tests.unit.ai_worker.parsing.files import pdf, pdf_bomb, zip_bomb


def running(code: str) -> ProcessParser:
    """A parser whose process does something else."""
    return ProcessParser(wall_s=60, command=(sys.executable, "-I", "-c", code))


async def test_a_pdf_of_200_pages_is_read_whole() -> None:
    pages = ["\n".join(f"Page {page} line {line} of the handbook" for line in range(40)) for page in range(1, 201)]
    parsed = await ProcessParser().parse(pdf(pages), "", "handbook.pdf")
    assert parsed.text.count("# Page ") == 200
    assert "Page 200 line 39" in parsed.text


async def test_a_zip_bomb_ends_in_a_sentence() -> None:
    with pytest.raises(Unreadable, match="unpacks to more than"):
        await ProcessParser().parse(zip_bomb(256), "", "x.docx")


async def test_a_pdf_bomb_ends_in_a_sentence() -> None:
    """However pypdf takes it: its own limit, no memory left, or no text in the end."""
    with pytest.raises(Unreadable):
        await ProcessParser().parse(pdf_bomb(600), "", "x.pdf")


async def test_who_takes_too_long_is_killed() -> None:
    slow = ProcessParser(wall_s=0.5, command=(sys.executable, "-I", "-c", "import time; time.sleep(600)"))
    with pytest.raises(Unreadable, match=TOO_SLOW):
        await slow.parse(b"x", "", "x.txt")


async def test_a_child_sees_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIOX_MODEL__API_KEY", "secret")
    code = (
        "import os, sys, json; sys.stdin.buffer.read();"
        'print(json.dumps({"media_type": "text/plain", "markdown": False})); print(sorted(os.environ), end="")'
    )
    assert "AIOX" not in (await running(code).parse(b"x", "", "x.txt")).text


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.abort()",
        "raise SystemExit(1)",
        "print('no json')",
        "import sys; sys.stdout.write('x' * 20_000_000)",
    ],
)
async def test_what_a_broken_child_says_is_not_believed(code: str) -> None:
    with pytest.raises(Unreadable, match=BROKEN):
        await running(code).parse(b"x" * 1_000_000, "", "x.txt")


async def test_limits_hold_in_the_child() -> None:
    """The very limits that it sets for itself, seen from inside."""
    code = (
        "import json, resource, sys; from ai_worker.parsing.child import confine; confine(); sys.stdin.buffer.read();"
        "held = [resource.getrlimit(one) for one in"
        " (resource.RLIMIT_AS, resource.RLIMIT_CPU, resource.RLIMIT_FSIZE)];"
        'print(json.dumps({"media_type": "t", "markdown": False})); print(json.dumps(held))'
    )
    held = json.loads((await running(code).parse(b"x", "", "x.txt")).text)
    assert held == [[port.MEMORY_BYTES] * 2, [port.CPU_S] * 2, [0, 0]]


@pytest.mark.control
def test_here_nothing_is_limited() -> None:
    assert resource.getrlimit(resource.RLIMIT_AS)[0] != port.MEMORY_BYTES


@pytest.mark.parametrize(
    "said", [b"", b"{}", b"[]", b"1", b'{"media_type": 1}\n\xff', b'{"media_type":"a","markdown":true}\n ']
)
def test_an_answer_of_another_form_is_refused(said: bytes) -> None:
    with pytest.raises(Unreadable, match=BROKEN):
        answer_of(said)
