"""Parses each file in a process of its own: with limits that it cannot lift, killed when it is late."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import dataclass
from subprocess import DEVNULL, PIPE, Popen
from typing import Final

from ai_worker.parsing.port import BROKEN, MAX_ANSWER_BYTES, TOO_SLOW, WALL_S, answer_of, question
from ai_worker.parsing.text import Parsed, Unreadable

_COMMAND: Final = (sys.executable, "-I", "-m", "ai_worker.parsing.child")
_PIECE: Final = 1 << 16


@dataclass(frozen=True, slots=True)
class ProcessParser:
    """One process a file. `wall_s`: how long one may take, in seconds."""

    wall_s: float = WALL_S
    command: tuple[str, ...] = _COMMAND

    async def parse(self, content: bytes, declared: str, name: str) -> Parsed:
        """As the port says. The child inherits no environment and no descriptors."""
        child = await asyncio.to_thread(self._start, question(content, declared, name))
        try:
            async with asyncio.timeout(self.wall_s):
                said = await asyncio.to_thread(_read, child)
        except TimeoutError:
            raise Unreadable(TOO_SLOW) from None
        finally:
            child.kill()  # nothing to one that has ended
            await asyncio.shield(asyncio.to_thread(child.wait))
        if child.returncode == -signal.SIGXCPU:
            raise Unreadable(TOO_SLOW)
        if child.returncode != 0:
            raise Unreadable(BROKEN)
        return answer_of(said)

    def _start(self, given: bytes) -> Popen[bytes]:
        """Not by the event loop: uvloop forks, and a fork of a process with gRPC in it may die at once. This vforks.

        The file lies in memory that is the child's standard input: nobody has to feed it.
        """
        memory = os.memfd_create("document")
        try:
            with os.fdopen(os.dup(memory), "wb") as whole:
                whole.write(given)
            os.lseek(memory, 0, os.SEEK_SET)
            return Popen(self.command, stdin=memory, stdout=PIPE, stderr=DEVNULL, env={}, start_new_session=True)
        finally:
            os.close(memory)


def _read(child: Popen[bytes]) -> bytes:
    """All that it writes until it ends or is killed. One that writes more than a document can be is killed for it."""
    if child.stdout is None:
        raise RuntimeError("no pipe")
    said = bytearray()
    with child.stdout as pipe:
        while piece := pipe.read(_PIECE):
            said += piece[: MAX_ANSWER_BYTES + 1 - len(said)]
            if len(said) > MAX_ANSWER_BYTES:
                child.kill()
    child.wait()
    return bytes(said)
