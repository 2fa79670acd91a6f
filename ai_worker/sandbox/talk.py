"""A process that is spoken with, line by line, for as long as it keeps to its limits."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from subprocess import Popen

from ai_worker.sandbox.port import MAX_LINE, Limits
from ai_worker.sandbox.process import kill, start
from ai_worker.sandbox.watch import memory_of, yield_to_others


@dataclass(frozen=True, slots=True)
class ProcessTalk:
    """Both ends outside."""

    reader: asyncio.StreamReader
    writer: asyncio.WriteTransport
    process: Popen[bytes]
    limits: Limits
    until: float
    """When its time is over, in seconds of the running loop."""

    def say(self, text: bytes) -> None:
        """As the port says."""
        self.writer.write(text)

    def well(self) -> bool:
        """As the port says."""
        if self.process.poll() is not None:
            return False
        yield_to_others(self.process.pid)
        late = asyncio.get_running_loop().time() > self.until
        if late or memory_of(self.process.pid) > self.limits.memory_bytes:
            self.process.kill()
            return False
        return True


@asynccontextmanager
async def talking(
    argv: Sequence[str], passed: Sequence[int], nowhere: int, limits: Limits
) -> AsyncIterator[ProcessTalk]:
    """Starts `argv`; whatever happens, it is gone at the end with all it has started. Raises SandboxUnavailable.

    `nowhere` takes what it writes to standard error and to the result pipe.
    """
    loop = asyncio.get_running_loop()
    ours_in, theirs_out = os.pipe()
    theirs_in, ours_out = os.pipe()
    reader = asyncio.StreamReader(limit=MAX_LINE)
    heard, _ = await loop.connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), os.fdopen(ours_in, "rb", buffering=0)
    )
    said, _ = await loop.connect_write_pipe(asyncio.BaseProtocol, os.fdopen(ours_out, "wb", buffering=0))
    try:
        try:
            process = start(argv, theirs_in, passed, (theirs_out, nowhere, nowhere))
        finally:
            os.close(theirs_in)
            os.close(theirs_out)
        try:
            yield ProcessTalk(reader, said, process, limits, loop.time() + limits.wall_s)
        finally:
            await kill(process)
    finally:
        if not said.is_closing():
            said.abort()
        heard.close()
