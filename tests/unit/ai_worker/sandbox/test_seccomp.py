"""The filter of system calls, run by a small machine of classic BPF: what passes and what is refused."""

from __future__ import annotations

import errno
import struct

import pytest

from ai_worker.sandbox import bpf
from ai_worker.sandbox.seccomp import MACHINES, filter_for
from ai_worker.sandbox.syscalls import ALLOWED

REFUSED, UNKNOWN = bpf.errno(errno.EPERM), bpf.errno(errno.ENOSYS)
X86, ARM = 0xC000003E, 0xC00000B7


def answered(program: bytes, audit: int, number: int, *arguments: int) -> int:
    """What the kernel would answer."""
    padded = (*arguments, *([0] * (6 - len(arguments))))
    data = struct.pack("=IIQ6Q", number, audit, 0, *padded)
    instructions = list(struct.iter_unpack("=HBBI", program))
    place, read = 0, 0
    while True:
        code, yes, no, value = instructions[place]
        place += 1
        if code == 0x20:
            (read,) = struct.unpack_from("=I", data, value)
        elif code == 0x06:
            return int(value)
        else:
            true = {0x15: read == value, 0x35: read >= value, 0x45: bool(read & value)}[code]
            place += yes if true else no


@pytest.mark.parametrize("machine", MACHINES)
def test_each_named_call_passes_and_no_other(machine: str) -> None:
    of, program = MACHINES[machine], filter_for(machine)
    allowed = {numbers[of.place]: name for name, numbers in ALLOWED.items() if numbers[of.place] is not None}
    conditional = {"clone": 17, "socketpair": 1, "ioctl": 0}
    for number in range(1024):
        name = allowed.get(number, "")
        answer = answered(program, of.audit, number, conditional.get(name, 0), 0x5413)
        assert answer == (bpf.ALLOW if name else UNKNOWN if number == 435 else REFUSED), (number, name)


@pytest.mark.parametrize(
    ("number", "name"),
    [(41, "socket"), (101, "ptrace"), (165, "mount"), (272, "unshare"), (308, "setns"), (319, "memfd_create"),
     (310, "process_vm_readv"), (321, "bpf"), (425, "io_uring_setup"), (323, "userfaultfd"), (250, "keyctl"),
     (298, "perf_event_open"), (304, "open_by_handle_at"), (155, "pivot_root"), (161, "chroot"), (29, "shmget"),
     (112, "setsid"), (133, "mknod"), (438, "pidfd_getfd"), (175, "init_module"), (169, "reboot"),
     (426, "io_uring_enter")],
)  # fmt: skip
def test_what_leads_out_is_refused(number: int, name: str) -> None:
    assert answered(filter_for("x86_64"), X86, number) == REFUSED, name


@pytest.mark.parametrize(
    ("number", "arguments", "answer"),
    [
        (56, (17,), bpf.ALLOW),
        (56, (0x10000000 | 17,), REFUSED),
        (56, (0x00020000,), REFUSED),
        (56, (0x40000000,), REFUSED),
        (435, (), UNKNOWN),
        (53, (1,), bpf.ALLOW),
        (53, (2,), REFUSED),
        (16, (0, 0x5401), bpf.ALLOW),
        (16, (0, 0x5412), REFUSED),
        (16, (0, 0x5412 | 1 << 32), REFUSED),
        (16, (0, 0x541C), REFUSED),
    ],
)
def test_conditions_on_arguments(number: int, arguments: tuple[int, ...], answer: int) -> None:
    assert answered(filter_for("x86_64"), X86, number, *arguments) == answer


def test_another_machines_numbers_kill_and_x32_is_refused() -> None:
    program = filter_for("x86_64")
    assert answered(program, 0x40000003, 1) == bpf.KILL
    assert answered(program, ARM, 0) == bpf.KILL
    assert answered(program, X86, 0x40000000) == REFUSED
    assert answered(program, X86, 0xFFFFFFFF) == REFUSED


def test_a_machine_that_is_not_known_has_no_filter() -> None:
    with pytest.raises(KeyError):
        filter_for("riscv64")


def test_what_the_kernel_would_not_take_is_not_assembled() -> None:
    with pytest.raises(ValueError, match="4096"):
        bpf.assembled([])
    with pytest.raises(ValueError, match="255"):
        bpf.assembled([bpf.Instruction(0x15, 0, 256, 0)])
