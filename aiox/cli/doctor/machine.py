"""What this machine must have: programs, a sandbox, a model, room, memory, a clock that is right."""

from __future__ import annotations

import ctypes
import resource
import shutil
from datetime import datetime
from pathlib import Path
from typing import Final

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.cgroup import find_groups
from aiox.cli.doctor.finding import Finding, checked
from aiox.cli.stack import ejabberd, nats, postgres
from aiox.cli.stack.home import Home, check_space
from aiox.runtime.clock import Clock
from aiox.runtime.objects.s3 import S3Store
from aiox.runtime.settings import Settings

NEEDED_MEMORY_MIB: Final = 700
"""What a hub with one worker holds (docs/performance.md), and a little."""
NEEDED_FILES: Final = 1024
_UNSYNCHRONISED: Final = 0x40
"""STA_UNSYNC in the status of adjtimex(2)."""
_STATUS_AT: Final = 40
"""Where the status lies in struct timex, on 64-bit machines."""
_TIMEX_BYTES: Final = 256


async def look_at_machine(settings: Settings, clock: Clock) -> list[Finding]:
    """Everything that does not need a running hub."""
    home = Home(settings.home)
    return [
        program("redis-server", "Redis"),
        program("erl", "Erlang"),
        program("setpriv", "setpriv"),
        await sandbox(clock),
        groups(),
        checked("ejabberd", ejabberd.libraries),
        checked("PostgreSQL with pgvector", lambda: postgres.binary("postgres")),
        checked("NATS", nats.server),
        model(settings),
        await objects(settings),
        checked("disk space", lambda: check_space(nearest(home.root))),
        memory(Path("/proc/meminfo")),
        open_files(),
        clock_of(home, clock.now(), synchronised=kernel_says_synchronised()),
    ]


def program(name: str, what: str) -> Finding:
    """A program that Debian brings."""
    return Finding(what, "" if shutil.which(name) else f"{name} is not installed. Mend: sh setup/debian.sh")


async def sandbox(clock: Clock) -> Finding:
    """Starts a sandbox once, as tools will."""
    return Finding("sandbox for tools", await Bubblewrap(clock, groups=find_groups()).trouble())


def groups() -> Finding:
    """Whether the kernel adds up what a run holds. The sandbox holds without."""
    found = find_groups()
    how = found.named if found else "none can be made here: memory is watched 20 times a second instead"
    return Finding(f"control groups around the sandbox ({how})")


def model(settings: Settings) -> Finding:
    """The embedding model, which set-up builds."""
    there = settings.minilm_folder.is_dir() and any(settings.minilm_folder.iterdir())
    return Finding("embedding model", "" if there else "it is not built. Mend: sh setup/python.sh")


async def objects(settings: Settings) -> Finding:
    """Asks the object store for its first page, as services will; a folder needs no asking."""
    if not settings.objects.endpoint:
        return Finding("object store, a folder")
    try:
        await S3Store(settings.objects).reach()
    except OSError as trouble:
        return Finding("object store", str(trouble))
    return Finding(f"object store, {settings.objects.endpoint}")


def memory(meminfo: Path) -> Finding:
    """Whether so much memory is free as a hub takes."""
    for line in meminfo.read_text().splitlines():
        if line.startswith("MemAvailable:"):
            free = int(line.split()[1]) >> 10
            note = (
                f"only {free} MiB are free, a hub takes about {NEEDED_MEMORY_MIB}" if free < NEEDED_MEMORY_MIB else ""
            )
            return Finding("memory", note=note)
    return Finding("memory", note="the kernel does not say how much is free")


def open_files() -> Finding:
    """How many files and connections a process may hold open."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < NEEDED_FILES:
        return Finding("open files", f"a process may hold {soft}, {NEEDED_FILES} are needed. Mend: ulimit -n 65536")
    return Finding("open files")


def clock_of(home: Home, now: datetime, *, synchronised: bool | None) -> Finding:
    """Whether the clock can be right: tokens, certificates and quotas hang on it.

    It stands before what the hub has already done: wrong. Nobody sets it by a time server: worth knowing.
    """
    made = home.root / "secrets" / "stack" / "ca.crt"
    if made.is_file() and now.timestamp() < made.stat().st_mtime - 1:
        return Finding("clock", "it stands before the hub was made. Mend: set it, then install chrony to keep it right")
    if synchronised is False:
        return Finding("clock", note="no time server keeps it right, the kernel says. Install chrony where nobody does")
    return Finding("clock")


def kernel_says_synchronised() -> bool | None:
    """What adjtimex(2) says; None where it may not be asked."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "adjtimex"):
        return None
    buffer = ctypes.create_string_buffer(_TIMEX_BYTES)
    if library.adjtimex(buffer) == -1:
        return None
    status = int.from_bytes(buffer.raw[_STATUS_AT : _STATUS_AT + 4], "little")
    return not status & _UNSYNCHRONISED


def nearest(folder: Path) -> Path:
    """The folder itself, or the one above that exists."""
    return next(one for one in (folder, *folder.parents) if one.exists())
