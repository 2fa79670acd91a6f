"""What a sandbox is asked to run, within which limits, and what comes of it."""

from __future__ import annotations

from asyncio import StreamReader
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final, Protocol

MIB: Final = 1 << 20
MAX_LINE: Final = MIB
"""Of what one that is spoken with says at a time, in bytes."""
PYTHON: Final = "/python/bin/python3"
"""The interpreter inside the sandbox: the one that this process runs on, with its standard library."""
WORK: Final = "/tmp/work"  # noqa: S108 -- inside the sandbox, private to one run
"""The working folder inside, where `files` stand. What is left in it is gone with the run."""


class SandboxUnavailable(Exception):
    """No sandbox can be had on this machine. The text says why, and the mend. Whoever needs one refuses."""


class Why(StrEnum):
    """Why a run ended."""

    EXITED = "exited"
    """By itself, with whatever status."""
    TIME = "time"
    """Its wall-clock or CPU time was used up."""
    MEMORY = "memory"
    """All its processes together held more than they may."""
    OUTPUT = "output"
    """It wrote more than is read."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use."""

    wall_s: float = 10.0
    cpu_s: int = 10
    """Of one process."""
    memory_bytes: int = 512 * MIB
    """Address space of one process, and memory in use of all of them together."""
    disk_bytes: int = 64 * MIB
    """In the private file system, which lies in memory."""
    file_bytes: int = 64 * MIB
    """Of one file."""
    processes: int = 32
    """Processes and threads at a time."""
    open_files: int = 128
    """Of one process."""
    stdout_bytes: int = 1 * MIB
    stderr_bytes: int = 64 * 1024
    result_bytes: int = 16 * MIB
    """What comes back on the result pipe."""


@dataclass(frozen=True, slots=True)
class Job:
    """One run."""

    argv: tuple[str, ...]
    """As seen inside; PYTHON is the interpreter."""
    stdin: bytes = b""
    files: Mapping[str, bytes] = field(default_factory=dict)
    """Copied into WORK, by plain name."""
    code: Mapping[str, Path] = field(default_factory=dict)
    """Files or folders of the host that are seen read-only under /code, by plain name. Never anything of an owner."""
    environment: Mapping[str, str] = field(default_factory=dict)
    limits: Limits = Limits()


@dataclass(frozen=True, slots=True)
class Finished:
    """What came of a run. Every byte of it was written by what ran inside: untrusted."""

    why: Why
    status: int
    """Exit status as a shell gives it: 128 and the number of a signal; -1 when it was stopped from outside."""
    stdout: bytes
    stderr: bytes
    result: bytes
    """What was written to file descriptor 3."""
    wall_s: float

    @property
    def ok(self) -> bool:
        """Whether it ended by itself, with status 0."""
        return self.why is Why.EXITED and self.status == 0


class Talk(Protocol):
    """A run that is spoken with while it runs. What it says was written by what runs inside: untrusted."""

    @property
    def reader(self) -> StreamReader:
        """What it writes to standard output. A line is MAX_LINE bytes at most: a longer one raises ValueError."""
        ...

    def say(self, text: bytes) -> None:
        """Writes to its standard input; what it does not read stays with the caller's own bounds."""
        ...

    def well(self) -> bool:
        """Whether it still runs within its limits; one that does not is ended. To be asked several times a second."""
        ...


class Sandbox(Protocol):
    """Runs jobs apart from the host, from the network, and from each other."""

    async def run(self, job: Job) -> Finished:
        """Runs one job to its end, or to its limits. Cancelling kills all of it. Raises SandboxUnavailable, ValueError
        for a job that cannot be: a file name with a separator, or more bytes of files than `disk_bytes`.
        """
        ...

    def talk(self, job: Job) -> AbstractAsyncContextManager[Talk]:
        """Starts a job that is spoken with, and kills all of it at the end; its `stdin` counts for nothing, what it
        writes to standard error is dropped. Enter and leave it in one task. Raises as `run`.
        """
        ...
