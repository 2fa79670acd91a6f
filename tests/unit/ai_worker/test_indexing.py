"""Documents are parsed in the sandbox where there is one."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import structlog

from ai_worker.indexing import SandboxedIfThereIsOne
from ai_worker.parsing.text import Parsed, Unreadable
from ai_worker.sandbox.port import SandboxUnavailable


@dataclass
class Answers:
    """A parser that says this, or fails with it."""

    said: str = ""
    fails: Exception | None = None

    async def parse(self, content: bytes, declared: str, name: str) -> Parsed:
        if self.fails is not None:
            raise self.fails
        return Parsed("text/plain", self.said, markdown=False)


def either(sandboxed: Answers) -> SandboxedIfThereIsOne:
    return SandboxedIfThereIsOne(sandboxed, Answers("in a process"), structlog.get_logger())


async def test_the_sandbox_is_asked_and_a_process_where_there_is_none() -> None:
    assert (await either(Answers("in the sandbox")).parse(b"x", "", "")).text == "in the sandbox"
    none = either(Answers(fails=SandboxUnavailable("no bubblewrap")))
    assert (await none.parse(b"x", "", "")).text == "in a process"


async def test_what_the_sandbox_could_not_read_is_not_tried_outside() -> None:
    with pytest.raises(Unreadable):
        await either(Answers(fails=Unreadable("damaged"))).parse(b"x", "", "")
