"""The sandbox: bubblewrap with a filter of system calls, limits, and a watch over memory; for root and for others."""

from __future__ import annotations

import asyncio
import fcntl
import os
import platform
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from ai_worker.sandbox.command import Given, check, command
from ai_worker.sandbox.port import MIB, PYTHON, Finished, Job, Limits, SandboxUnavailable
from ai_worker.sandbox.process import outlet, run
from ai_worker.sandbox.root import Root, find_root, program
from ai_worker.sandbox.seccomp import filter_for
from aiox.runtime.clock import Clock

PLACES: Final = 2
"""Runs of one process at a time; others wait."""
_USERS: Final = range(65_000, 65_500)
"""Debian gives these ids to nobody. Each run that root starts has one of its own."""
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_PROBE: Final = Job((PYTHON, "-I", "-S", "-c", "print('in')"), limits=Limits(wall_s=20.0, memory_bytes=256 * MIB))


class Bubblewrap:
    """One for a process, shared by all turns; its runs share nothing."""

    def __init__(self, clock: Clock, places: int = PLACES) -> None:
        self._clock = clock
        self._places = asyncio.Semaphore(places)
        self._users: set[int] = set()
        self._made: tuple[str, Root, bytes] | None = None

    async def run(self, job: Job) -> Finished:
        """As the port says. Waits for a free place."""
        check(job)
        bwrap, root, seccomp = self._parts()
        async with self._places:
            with ExitStack() as opened:
                user = opened.enter_context(self._user()) if os.geteuid() == 0 else None
                files = {name: opened.enter_context(_memory(content)) for name, content in job.files.items()}
                filter_fd, stdin = opened.enter_context(_memory(seccomp)), opened.enter_context(_memory(job.stdin))
                limits = job.limits
                outlets = [outlet(most) for most in (limits.stdout_bytes, limits.stderr_bytes, limits.result_bytes)]
                given = Given(filter_fd, outlets[-1].writable, files, user)
                passed = (filter_fd, *files.values())
                finished = await run(command(bwrap, root, job, given), stdin, passed, outlets, limits, self._clock)
        if finished.stderr.startswith(b"bwrap: ") and not finished.ok:
            raise SandboxUnavailable(_why(finished.stderr))
        return finished

    async def trouble(self) -> str:
        """Why there is no sandbox here; empty when a first run went well."""
        try:
            finished = await self.run(_PROBE)
        except SandboxUnavailable as missing:
            return str(missing)
        if finished.ok and finished.stdout == b"in\n":
            return ""
        said = finished.stderr.decode(errors="replace").strip().partition("\n")[0]
        return f"Python does not start in the sandbox ({finished.why}, status {finished.status}: {said[:200]})"

    def _parts(self) -> tuple[str, Root, bytes]:
        if self._made is None:
            try:
                seccomp = filter_for(platform.machine())
            except KeyError:
                raise SandboxUnavailable(f"no filter of system calls for {platform.machine()}") from None
            self._made = str(program("bwrap")), find_root(), seccomp
        return self._made

    @contextmanager
    def _user(self) -> Iterator[int]:
        free = [one for one in _USERS if one not in self._users]
        user = random.choice(free)  # noqa: S311 -- two workers should seldom take the same; nothing is secret
        self._users.add(user)
        try:
            yield user
        finally:
            self._users.discard(user)


def _why(stderr: bytes) -> str:
    said = stderr.decode(errors="replace").partition("\n")[0].removeprefix("bwrap: ")[:200]
    return (
        f"bubblewrap cannot make a sandbox here: {said}. Mend: allow unprivileged user namespaces"
        " (sysctl kernel.unprivileged_userns_clone=1, in a container its seccomp profile), or start as root."
    )


@contextmanager
def _memory(content: bytes) -> Iterator[int]:
    """A file in memory at its beginning, which nobody can change or let grow any more."""
    fd = os.memfd_create("aiox", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    try:
        view = memoryview(content)
        while view:
            view = view[os.write(fd, view) :]
        fcntl.fcntl(fd, fcntl.F_ADD_SEALS, _SEALS)
        os.lseek(fd, 0, os.SEEK_SET)
        yield fd
    finally:
        os.close(fd)
