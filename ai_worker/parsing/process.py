"""Parses each file in a process of its own: with limits that it cannot lift, killed when it is late."""

from __future__ import annotations

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ai_worker.parsing.port import BROKEN, MAX_ANSWER_BYTES, TOO_SLOW, WALL_S, answer_of, question
from ai_worker.parsing.text import Parsed, Unreadable

_COMMAND: Final = (sys.executable, "-I", "-m", "ai_worker.parsing.child")


@dataclass(frozen=True, slots=True)
class ProcessParser:
    """One process a file. `wall_s`: how long one may take, in seconds."""

    wall_s: float = WALL_S
    command: tuple[str, ...] = _COMMAND

    async def parse(self, content: bytes, declared: str, name: str) -> Parsed:
        """As the port says. The child inherits no environment and no descriptors."""
        child = await asyncio.create_subprocess_exec(
            *self.command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env={}, start_new_session=True
        )
        try:
            async with asyncio.timeout(self.wall_s):
                said, _ = await asyncio.gather(_read(child), _feed(child, question(content, declared, name)))
                status = await child.wait()
        except TimeoutError:
            raise Unreadable(TOO_SLOW) from None
        finally:
            await _end(child)
        if status == -signal.SIGXCPU:
            raise Unreadable(TOO_SLOW)
        if status != 0:
            raise Unreadable(BROKEN)
        return answer_of(said)


async def _feed(child: Process, content: bytes) -> None:
    """A child that ends early has said why, or its status does."""
    if child.stdin is None:
        raise RuntimeError("no pipe")
    with suppress(BrokenPipeError, ConnectionResetError):
        child.stdin.write(content)
        await child.stdin.drain()
    child.stdin.close()


async def _read(child: Process) -> bytes:
    if child.stdout is None:
        raise RuntimeError("no pipe")
    said = bytearray()
    while piece := await child.stdout.read(1 << 16):
        said += piece
        if len(said) > MAX_ANSWER_BYTES:
            raise Unreadable(BROKEN)
    return bytes(said)


async def _end(child: Process) -> None:
    """Its pipe is read to the end, or it would stay open."""
    if child.returncode is None:
        child.kill()
    while child.stdout is not None and await child.stdout.read(1 << 16):
        pass
    await child.wait()
