"""One process, from start to end: fed, read up to its limits, timed, watched, and killed with all it started."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from subprocess import Popen
from typing import Final

from ai_worker.sandbox.port import Finished, Limits, SandboxUnavailable, Why
from ai_worker.sandbox.watch import memory_of
from aiox.runtime.clock import Clock

_WATCH_S: Final = 0.05
_SOON_S: Final = 0.5
_SELDOM_S: Final = 0.5
"""Between two looks at what was not soon over: one at many processes takes ten milliseconds of the neighbours' time."""
_CHUNK: Final = 1 << 16
_OUT_OF_CPU: Final = frozenset({128 + 24, 128 + 9})
"""SIGXCPU at the soft limit, SIGKILL at the hard one."""


class _Stopped(Exception):
    """Ended from outside."""

    def __init__(self, why: Why) -> None:
        super().__init__(why)
        self.why = why


class Outlet:
    """A pipe out of the sandbox: who runs inside has `writable`, and `content` is what came, up to a limit."""

    def __init__(self, limit: int, readable: int, writable: int) -> None:
        self.content = bytearray()
        self.writable = writable
        self._limit = limit
        self._readable = readable

    @asynccontextmanager
    async def reader(self) -> AsyncIterator[asyncio.StreamReader]:
        """The end outside."""
        stream, source = asyncio.StreamReader(), os.fdopen(self._readable, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), source
        )
        try:
            yield stream
        finally:
            transport.close()

    async def read(self, stream: asyncio.StreamReader) -> None:
        """To its end. Raises _Stopped when there is more than may be."""
        while chunk := await stream.read(_CHUNK):
            self.content += chunk[: self._limit - len(self.content)]
            if len(self.content) >= self._limit:
                raise _Stopped(Why.OUTPUT)


def outlet(limit: int) -> Outlet:
    """A new pipe, closed at both ends by `run`."""
    return Outlet(limit, *os.pipe())


async def run(
    argv: Sequence[str],
    stdin: int,
    passed: Sequence[int],
    outlets: Sequence[Outlet],
    limits: Limits,
    clock: Clock,
    started_as: Callable[[int], None],
    not_soon_over: Callable[[int], None],
) -> Finished:
    """Starts `argv` and brings it to an end. `outlets` are for stdout, stderr and the result.

    `started_as` is told its id, and so is, in a thread and again and again, `not_soon_over`. Raises SandboxUnavailable
    when there is nothing that could be started, and what `started_as` raises.
    """
    started = clock.monotonic()
    async with AsyncExitStack() as opened:
        try:
            streams = [await opened.enter_async_context(one.reader()) for one in outlets]
            process = start(argv, stdin, passed, [one.writable for one in outlets])
        finally:
            for one in outlets:
                os.close(one.writable)
        try:
            started_as(process.pid)
            why = await _to_its_end(process, outlets, streams, limits, not_soon_over)
        finally:
            await kill(process)
    took = clock.monotonic() - started
    status = -1 if why is not Why.EXITED or process.returncode is None else process.returncode
    if status in _OUT_OF_CPU and took >= limits.cpu_s:
        why = Why.TIME
    out, err, result = (bytes(one.content) for one in outlets)
    return Finished(why, status, out, err, result, took)


def start(argv: Sequence[str], stdin: int, passed: Sequence[int], outlets: Sequence[int]) -> Popen[bytes]:
    """A process whose stdout, stderr and result are `outlets`. Raises SandboxUnavailable.

    Not by the event loop: uvloop forks, and a fork of a process with gRPC in it may die at once. This vforks.

    Nor in another thread: bubblewrap is told to die with the thread that started it.
    """
    out, err, result = outlets
    try:
        process = Popen(
            argv, stdin=stdin, stdout=out, stderr=err, pass_fds=(*passed, result), env={}, start_new_session=True
        )
    except OSError as broken:
        raise SandboxUnavailable(f"bubblewrap cannot be started: {broken.strerror}. Mend: sh setup/debian.sh") from None
    return process


async def _ended(process: Popen[bytes]) -> None:
    """Waits until it is over, without a thread and whoever else listens for children."""
    if process.poll() is not None:
        return
    loop, over = asyncio.get_running_loop(), asyncio.Event()
    descriptor = os.pidfd_open(process.pid)
    loop.add_reader(descriptor, over.set)
    try:
        await over.wait()
    finally:
        loop.remove_reader(descriptor)
        os.close(descriptor)
    process.wait()


async def _to_its_end(
    process: Popen[bytes],
    outlets: Sequence[Outlet],
    streams: Sequence[asyncio.StreamReader],
    limits: Limits,
    not_soon_over: Callable[[int], None],
) -> Why:
    """Why it ended: by itself when its pipes are closed and it is gone."""
    why = Why.EXITED
    try:
        async with asyncio.timeout(limits.wall_s), asyncio.TaskGroup() as group:
            watch = group.create_task(_watch(process.pid, limits.memory_bytes, not_soon_over))
            await asyncio.gather(*(one.read(stream) for one, stream in zip(outlets, streams, strict=True)))
            await _ended(process)
            watch.cancel()
    except* TimeoutError:
        why = Why.TIME
    except* _Stopped as stopped:
        why = next(one.why for one in stopped.exceptions if isinstance(one, _Stopped))
    return why


async def _watch(pid: int, most: int, not_soon_over: Callable[[int], None]) -> None:
    """Until cancelled. Raises _Stopped when all processes together hold too much.

    What is not soon over is looked at more seldom, in a thread, lest all turns wait for it.
    """
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        late = loop.time() - began >= _SOON_S
        await asyncio.sleep(_SELDOM_S if late else _WATCH_S)
        if late:
            await asyncio.to_thread(not_soon_over, pid)
        if await asyncio.to_thread(memory_of, pid) > most:
            raise _Stopped(Why.MEMORY)


async def kill(process: Popen[bytes]) -> None:
    """Ends it with all it has started.

    The first process of the namespace dies with bubblewrap, and the kernel ends all others with that one.
    """
    process.kill()  # nothing to one that has ended
    await asyncio.shield(_ended(process))
