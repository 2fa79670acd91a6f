"""Reads documents of strangers inside the sandbox: ai_worker.parsing, with nothing around it that could be reached."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import ai_worker
import aiox
from ai_worker.parsing.port import (
    BROKEN,
    CPU_S,
    MAX_ANSWER_BYTES,
    MEMORY_BYTES,
    TOO_SLOW,
    WALL_S,
    answer_of,
    question,
)
from ai_worker.parsing.text import Parsed, Unreadable
from ai_worker.sandbox.calls import INTERPRETER, located
from ai_worker.sandbox.port import Job, Limits, Sandbox, Why

_PACKAGES: Final = ("pypdf", "defusedxml")
_PROGRAM: Final = (
    "import os, sys; sys.path.insert(0, '/code'); sys.argv = ['child', os.environ['RESULT_FD']]\n"
    "from ai_worker.parsing.child import main; main()"
)


@dataclass(frozen=True, slots=True)
class SandboxParser:
    """One sandbox a file. `wall_s`: how long one may take, in seconds."""

    sandbox: Sandbox
    wall_s: float = WALL_S

    async def parse(self, content: bytes, declared: str, name: str) -> Parsed:
        """As the port of ai_worker.parsing says; raises SandboxUnavailable beside."""
        ours = {"ai_worker": Path(ai_worker.__path__[0]), "aiox": Path(aiox.__path__[0])}
        theirs = {place.name: place for place in map(located, _PACKAGES)}
        limits = Limits(
            wall_s=self.wall_s, cpu_s=CPU_S, memory_bytes=MEMORY_BYTES, result_bytes=MAX_ANSWER_BYTES, processes=4
        )
        asked = question(content, declared, name)
        finished = await self.sandbox.run(Job((*INTERPRETER, "-c", _PROGRAM), asked, code=ours | theirs, limits=limits))
        if finished.why is Why.TIME:
            raise Unreadable(TOO_SLOW)
        if not finished.ok:
            raise Unreadable(BROKEN)
        return answer_of(finished.result)
