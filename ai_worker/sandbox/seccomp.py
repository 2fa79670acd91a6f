"""The filter of system calls that stands around everything in a sandbox. What is not named is refused (EPERM)."""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from ai_worker.sandbox import bpf
from ai_worker.sandbox.bpf import Instruction
from ai_worker.sandbox.syscalls import ALLOWED, ARM64, CLONE3, X86_64

_NEW_NAMESPACES: Final = 0x7E020080
"""CLONE_NEW: TIME 0x80, NS 0x20000, CGROUP 0x2000000, UTS, IPC, USER, PID, NET 0x4000000 to 0x40000000."""
_X32: Final = 0x40000000
"""Numbers from here on are the x32 interface, which has its own way round a filter."""
_TYPING: Final = (0x5412, 0x541C)
"""ioctl TIOCSTI and TIOCLINUX: types into a terminal."""


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as seccomp names it, and its place in the table of numbers."""

    audit: int
    place: int


MACHINES: Final[Mapping[str, Machine]] = MappingProxyType(
    {"x86_64": Machine(0xC000003E, X86_64), "aarch64": Machine(0xC00000B7, ARM64)}
)


def filter_for(machine: str) -> bytes:
    """The filter for `platform.machine()`. Raises KeyError for one whose numbers are not known."""
    of = MACHINES[machine]
    refused = bpf.errno(errno.EPERM)
    program = [
        bpf.load(bpf.MACHINE_AT),
        *bpf.unless("eq", of.audit, bpf.KILL),
        bpf.load(bpf.NUMBER_AT),
        *bpf.when("ge", _X32, refused),
        *bpf.when("eq", CLONE3[of.place], bpf.errno(errno.ENOSYS)),
    ]
    conditions = _conditions(refused)
    for name, numbers in ALLOWED.items():
        number = numbers[of.place]
        if number is None:
            continue
        then = conditions.get(name)
        program += bpf.when("eq", number, bpf.ALLOW) if then is None else bpf.only_for(number, then)
    return bpf.assembled([*program, bpf.answer(refused)])


def _conditions(refused: int) -> dict[str, list[Instruction]]:
    """What must hold of a call's arguments."""
    allow = bpf.answer(bpf.ALLOW)
    typing = [one for request in _TYPING for one in bpf.when("eq", request, refused)]
    return {
        "clone": [bpf.load(bpf.argument(0)), *bpf.when("any", _NEW_NAMESPACES, refused), allow],
        "socketpair": [bpf.load(bpf.argument(0)), *bpf.unless("eq", socket.AF_UNIX, refused), allow],
        "ioctl": [bpf.load(bpf.argument(1)), *typing, allow],
    }
