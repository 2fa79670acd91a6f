"""The command line of bubblewrap for one job. Pure: what it makes is decided by what stands here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from ai_worker.sandbox.port import WORK, Job, Limits
from ai_worker.sandbox.root import Root

_NAMESPACES = ("ipc", "pid", "net", "uts")
_NOBODY = "65534"
_KEPT = ("CAP_SETUID", "CAP_SETGID", "CAP_SETPCAP")
MAX_FILES = 64


@dataclass(frozen=True, slots=True)
class Given:
    """What the process is handed: file descriptors, and for root whom it becomes."""

    seccomp: int
    result: int
    files: Mapping[str, int]
    user: int | None
    """A user id of its own for a run that root starts; None where a user namespace is made instead."""


def command(bwrap: str, root: Root, job: Job, given: Given) -> list[str]:
    """All of it, program first."""
    return [
        bwrap,
        *(f"--unshare-{name}" for name in _NAMESPACES),
        "--unshare-cgroup-try",
        "--die-with-parent",
        "--new-session",
        *_identity(given.user),
        *("--hostname", "sandbox"),
        "--clearenv",
        *_environment(job, given.result),
        *root.arguments(),
        *(word for name, host in job.code.items() for word in ("--ro-bind", str(host), f"/code/{name}")),
        *("--perms", "1777", "--size", str(job.limits.disk_bytes), "--tmpfs", "/tmp"),  # noqa: S108
        *("--perms", "0777", "--dir", WORK),
        *(word for name, fd in given.files.items() for word in ("--file", str(fd), f"{WORK}/{name}")),
        *("--remount-ro", "/", "--chdir", WORK),
        *("--seccomp", str(given.seccomp)),
        "--",
        *_become(given.user),
        *_limited(job.limits),
        *job.argv,
    ]


def check(job: Job) -> None:
    """Raises ValueError for a job that cannot be."""
    for name in (*job.files, *job.code):
        if name in {"", ".", ".."} or PurePosixPath(name).name != name or "\0" in name:
            raise ValueError("the name of a file is a plain name")
    if len(job.files) > MAX_FILES:
        raise ValueError(f"a job has {MAX_FILES} files at most")
    if sum(map(len, job.files.values())) > job.limits.disk_bytes:
        raise ValueError("the files are more than the sandbox may hold")


def _identity(user: int | None) -> Sequence[str]:
    """Root keeps what it needs to become somebody else, and makes no user namespace: in one, the limit on processes
    would not hold. Anyone else becomes nobody in a namespace inside of which no other can be made.
    """
    if user is None:
        return ("--unshare-user", "--disable-userns", "--uid", _NOBODY, "--gid", _NOBODY, "--cap-drop", "ALL")
    return ("--cap-drop", "ALL", *(word for name in _KEPT for word in ("--cap-add", name)))


def _become(user: int | None) -> Sequence[str]:
    if user is None:
        return ()
    who = ("--reuid", str(user), "--regid", str(user), "--clear-groups")
    return ("/usr/bin/setpriv", *who, "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs")


def _limited(limits: Limits) -> Sequence[str]:
    of = {
        "nproc": limits.processes,
        "as": limits.memory_bytes,
        "fsize": limits.file_bytes,
        "nofile": limits.open_files,
        "cpu": f"{limits.cpu_s}:{limits.cpu_s + 1}",
        "core": 0,
        "memlock": 0,
        "msgqueue": 0,
    }
    return ("/usr/bin/prlimit", *(f"--{name}={value}" for name, value in of.items()))


def _environment(job: Job, result: int) -> Sequence[str]:
    own = {"PATH": "/python/bin", "HOME": WORK, "LANG": "C.UTF-8", "LD_LIBRARY_PATH": "/python/lib"}
    given = {**own, **job.environment, "RESULT_FD": str(result)}
    return [word for name, value in given.items() for word in ("--setenv", name, value)]
