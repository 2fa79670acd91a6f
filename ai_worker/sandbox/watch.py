"""How much memory all processes of a run hold together. The kernel limits each of them; this adds up, from outside."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

PROC: Final = Path("/proc")
_HELD: Final = ("RssAnon:", "RssShmem:")
_NICE: Final = 10


def memory_of(pid: int, proc: Path = PROC) -> int:
    """Bytes of memory that `pid` and all its descendants hold. Those that end meanwhile count nothing."""
    return sum(_held(one, proc) for one in family(pid, proc))


def family(pid: int, proc: Path = PROC) -> Iterator[int]:
    """A process and its descendants, parents first."""
    waiting = [pid]
    while waiting:
        one = waiting.pop()
        yield one
        with suppress(OSError):
            for task in (proc / str(one) / "task").iterdir():
                with suppress(OSError):
                    waiting += map(int, (task / "children").read_text().split())


def yield_to_others(pid: int, proc: Path = PROC) -> None:
    """A run comes behind the hub: its processes, and its sessions where the kernel shares the processor by these."""
    for one in family(pid, proc):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, one, _NICE)
        with suppress(OSError):
            (proc / str(one) / "autogroup").write_text(str(_NICE))


def _held(pid: int, proc: Path) -> int:
    try:
        status = (proc / str(pid) / "status").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in status.splitlines() if line.startswith(_HELD)) * 1024
