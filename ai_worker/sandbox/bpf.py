"""A small assembler for seccomp's filters: classic BPF over `struct seccomp_data` (linux/seccomp.h, linux/filter.h)."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ALLOW: Final = 0x7FFF0000
KILL: Final = 0x80000000
_ERRNO: Final = 0x00050000

NUMBER_AT: Final = 0
MACHINE_AT: Final = 4
_ARGUMENTS_AT: Final = 16

_LOAD: Final = 0x20  # BPF_LD | BPF_W | BPF_ABS
_RETURN: Final = 0x06  # BPF_RET | BPF_K
_JUMP: Final = {"eq": 0x15, "ge": 0x35, "any": 0x45}  # BPF_JMP | BPF_JEQ, BPF_JGE, BPF_JSET | BPF_K
_FORM: Final = struct.Struct("=HBBI")
MAX_INSTRUCTIONS: Final = 4096


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, in the kernel's own terms: on true `yes` instructions are skipped, otherwise `no`."""

    code: int
    value: int
    yes: int = 0
    no: int = 0


def errno(number: int) -> int:
    """The answer that fails the call with this error number."""
    return _ERRNO | (number & 0xFFFF)


def load(offset: int) -> Instruction:
    """Reads 32 bits of the call's data."""
    return Instruction(_LOAD, offset)


def argument(index: int) -> int:
    """Offset of the lower half of an argument, on a machine whose lower half comes first."""
    return _ARGUMENTS_AT + 8 * index


def answer(action: int) -> Instruction:
    """Ends the filter."""
    return Instruction(_RETURN, action)


def when(test: str, value: int, action: int) -> list[Instruction]:
    """Ends the filter with `action` if what was read is `eq` value, is `ge` value, or has `any` of its bits."""
    return [Instruction(_JUMP[test], value, 0, 1), answer(action)]


def unless(test: str, value: int, action: int) -> list[Instruction]:
    """Ends the filter with `action` if it is not so."""
    return [Instruction(_JUMP[test], value, 1, 0), answer(action)]


def only_for(number: int, then: Sequence[Instruction]) -> list[Instruction]:
    """`then` for one system call, whose number was read before; others skip it."""
    return [Instruction(_JUMP["eq"], number, 0, len(then)), *then]


def assembled(program: Sequence[Instruction]) -> bytes:
    """The bytes that `bwrap --seccomp` reads. Raises ValueError for a program the kernel would not take."""
    if not 0 < len(program) <= MAX_INSTRUCTIONS:
        raise ValueError("a filter has 1 to 4096 instructions")
    if any(max(one.yes, one.no) > 255 for one in program):
        raise ValueError("a jump is longer than 255 instructions")
    return b"".join(_FORM.pack(one.code, one.yes, one.no, one.value) for one in program)
