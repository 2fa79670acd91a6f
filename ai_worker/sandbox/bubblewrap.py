"""The sandbox: bubblewrap with a filter of system calls, limits, and a watch over memory; for root and for others."""

from __future__ import annotations

import asyncio
import fcntl
import os
import platform
import random
import signal
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import Final

from ai_worker.sandbox.cgroup import Group, Groups
from ai_worker.sandbox.command import Given, check, command
from ai_worker.sandbox.port import MIB, PYTHON, Finished, Job, Limits, SandboxUnavailable, Talk, Why
from ai_worker.sandbox.process import outlet, run
from ai_worker.sandbox.root import Root, find_root, program
from ai_worker.sandbox.seccomp import filter_for
from ai_worker.sandbox.talk import talking
from ai_worker.sandbox.watch import yield_to_others
from aiox.runtime.clock import Clock

_LOOKS_S: Final = (0.1, 0.2, 0.4, 0.8)
"""After its start. What is over by the first has had its full share of the processor, and no control group."""
PLACES: Final = 2
"""Runs of one process at a time; others wait."""
_USERS: Final = range(65_000, 65_500)
"""Debian gives these ids to nobody. Each run that root starts has one of its own."""
_SEALS: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
_PROBE: Final = Job((PYTHON, "-I", "-S", "-c", "print('in')"), limits=Limits(wall_s=20.0, memory_bytes=256 * MIB))


@dataclass(slots=True)
class _Start:
    """A run that is to be started. What is not soon over is put into its control group: to move a process costs as much
    as to start one.
    """

    argv: list[str]
    passed: tuple[int, ...]
    group: Group | None = None
    timers: list[asyncio.TimerHandle] = field(default_factory=list)

    def begin(self, pid: int) -> None:
        """It runs. Several looks: what it starts while it is moved is moved with the next."""
        if self.group is not None:
            loop = asyncio.get_running_loop()
            self.timers += [loop.call_later(after, self._move, self.group, pid) for after in _LOOKS_S]

    def give_way(self, pid: int) -> None:
        """It comes behind the hub: all of its group, where that has a weight of its own."""
        if self.group is None or not self.group.has_weight:
            yield_to_others(pid)

    def end(self) -> None:
        """It is over, and its id may soon be another's."""
        for timer in self.timers:
            timer.cancel()

    def _move(self, group: Group, pid: int) -> None:
        """One that cannot be moved is ended."""
        try:
            group.take(pid)
        except OSError:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        group.yield_to_others()


class Bubblewrap:
    """One for a process, shared by all turns; its runs share nothing."""

    def __init__(self, clock: Clock, places: int = PLACES, groups: Groups | None = None) -> None:
        """`groups`: where control groups can be made (cgroup.find_groups); None: the other limits have to do."""
        self._clock = clock
        self._groups = groups
        self._places = asyncio.Semaphore(places)
        self._talking = asyncio.Semaphore(2 * places)
        self._users: set[int] = set()
        self._made: tuple[str, Root, bytes] | None = None

    async def run(self, job: Job) -> Finished:
        """As the port says. Waits for a free place."""
        check(job)
        async with self._places:
            with ExitStack() as opened:
                limits = job.limits
                stdin = opened.enter_context(_memory(job.stdin))
                outlets = [outlet(most) for most in (limits.stdout_bytes, limits.stderr_bytes, limits.result_bytes)]
                start = self._command(opened, job, outlets[-1].writable)
                finished = await run(
                    start.argv, stdin, start.passed, outlets, limits, self._clock, start.begin, start.give_way
                )
                if start.group is not None and not finished.ok and start.group.ran_out():
                    finished = replace(finished, why=Why.MEMORY)
        if finished.stderr.startswith(b"bwrap: ") and not finished.ok:
            raise SandboxUnavailable(_why(finished.stderr))
        return finished

    @asynccontextmanager
    async def talk(self, job: Job) -> AsyncIterator[Talk]:
        """As the port says. Has places of its own: whoever talks may do so for as long as a turn takes."""
        check(job)
        async with self._talking:
            with ExitStack() as opened:
                nowhere = opened.enter_context(_nowhere())
                start = self._command(opened, job, nowhere)
                async with talking(start.argv, start.passed, nowhere, job.limits) as talk:
                    start.begin(talk.process.pid)
                    yield talk

    def _command(self, opened: ExitStack, job: Job, result: int) -> _Start:
        """How it is started; whatever that needs is closed by `opened`."""
        bwrap, root, seccomp = self._parts()
        user = opened.enter_context(self._user()) if os.geteuid() == 0 else None
        files = {name: opened.enter_context(_memory(content)) for name, content in job.files.items()}
        filter_fd = opened.enter_context(_memory(seccomp))
        argv = command(bwrap, root, job, Given(filter_fd, result, files, user))
        start = _Start(argv, (filter_fd, *files.values()))
        if self._groups is not None:
            start.group = opened.enter_context(self._groups.made(job.limits))
        opened.callback(start.end)
        return start

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
def _nowhere() -> Iterator[int]:
    """What is written there is gone."""
    fd = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
    try:
        yield fd
    finally:
        os.close(fd)


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
