"""Control groups around a run: the kernel adds up what all its processes hold, and lets them be so many. Where they can
be made; limits of each process, and the watch over all of them, hold in any case.

Version 2, or 1 with a folder for each controller (also in the hybrid layout).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final
from uuid import uuid4

from ai_worker.sandbox.port import Limits, SandboxUnavailable
from ai_worker.sandbox.watch import PROC, family

MOUNT: Final = Path("/sys/fs/cgroup")
_NEEDED: Final = ("memory", "pids")
_PERIOD_US: Final = 20_000
_PART: Final = 0.125
"""Of all processors together, but never more than one, for a run that is not soon over. With two runs at a time a
neighbour on two processors still waits less than twice as long in 95 of 100 cases; with twice as much, five times."""
_MARK: Final = "aiox-run-"
_OLD_S: Final = 3600.0
_SPARE: Final = 8
"""Processes of the sandbox itself beside those of the run."""


@dataclass(frozen=True, slots=True)
class Group:
    """One run's, in each of its folders."""

    folders: Mapping[str, Path]
    version: int

    def take(self, pid: int) -> None:
        """Puts a process with all that it has started into it; what these start later is born there. Raises OSError."""
        for folder in dict.fromkeys(self.folders.values()):
            for one in family(pid):
                with suppress(ProcessLookupError):
                    (folder / "cgroup.procs").write_text(str(one))

    @property
    def has_weight(self) -> bool:
        """Whether all of it together has a weight for the processor."""
        return "cpu" in self.folders

    def yield_to_others(self) -> None:
        """From now on all of it together weighs a fifth of one process for the processor, and has a part of it at most.

        Nothing to one that is over.
        """
        folder = self.folders.get("cpu")
        if folder is None:
            return
        share = round(_PERIOD_US * min(1.0, (os.cpu_count() or 1) * _PART))
        of = (
            {"cpu.weight": "20", "cpu.max": f"{share} {_PERIOD_US}"}
            if self.version == 2
            else {"cpu.shares": "200", "cpu.cfs_period_us": str(_PERIOD_US), "cpu.cfs_quota_us": str(share)}
        )
        for file, value in of.items():
            with suppress(OSError):
                (folder / file).write_text(value)

    def ran_out(self) -> bool:
        """Whether the kernel has killed one of them for memory."""
        name = "memory.events" if self.version == 2 else "memory.oom_control"
        try:
            lines = (self.folders["memory"] / name).read_text().splitlines()
        except OSError:
            return False
        return any(line.startswith("oom_kill ") and line.split()[1] != "0" for line in lines)


@dataclass(frozen=True, slots=True)
class Groups:
    """Where groups can be made: a folder for each controller, one and the same in version 2."""

    parents: Mapping[str, Path]
    version: int
    left: list[Path] = field(default_factory=list, compare=False)
    """Of runs that are over: their last process was not quite gone."""

    @property
    def named(self) -> str:
        """For people."""
        return f"version {self.version}: {', '.join(sorted(self.parents))}"

    @contextmanager
    def made(self, limits: Limits) -> Iterator[Group]:
        """A group for one run, gone at its end. Raises SandboxUnavailable."""
        self._clear()
        name = f"{_MARK}{uuid4().hex}"
        group = Group({controller: parent / name for controller, parent in self.parents.items()}, self.version)
        try:
            try:
                for controller, folder in group.folders.items():
                    folder.mkdir(exist_ok=True)
                    for file, value in _settings(controller, self.version, limits).items():
                        (folder / file).write_text(value)
            except OSError as broken:
                raise SandboxUnavailable(f"a control group could not be made: {broken.strerror}") from None
            yield group
        finally:
            self.left.extend(dict.fromkeys(group.folders.values()))
            self._clear()

    def _clear(self) -> None:
        waiting, self.left[:] = self.left[:], []
        for folder in waiting:
            try:
                folder.rmdir()
            except FileNotFoundError:
                continue
            except OSError:
                self.left.append(folder)

    def sweep(self, now: float) -> None:
        """Removes what a worker that died has left. `now`: seconds since the epoch."""
        for folder in (one for parent in set(self.parents.values()) for one in parent.glob(f"{_MARK}*")):
            with suppress(OSError):  # one that is used cannot be removed
                if now - folder.stat().st_mtime > _OLD_S:
                    folder.rmdir()


def find_groups(proc: Path = PROC, mount: Path = MOUNT) -> Groups | None:
    """Where this process can make groups for memory and processes, for the processor too if it can; None: nowhere."""
    try:
        own = dict(_own(line) for line in (proc / "self" / "cgroup").read_text().splitlines())
    except (OSError, ValueError):
        return None
    found = _version_2(own, mount) if (mount / "cgroup.controllers").is_file() else _version_1(own, mount)
    if found is None or not all(_can(parent) for parent in found.parents.values()):
        return None
    return found


def _own(line: str) -> tuple[str, str]:
    """`4:memory:/path` and `0::/path`."""
    _, controllers, path = line.split(":", 2)
    return controllers, path


def _version_2(own: Mapping[str, str], mount: Path) -> Groups | None:
    """Beside this process's own group: one that holds processes can have none below it."""
    parent = (mount / own.get("", "/").lstrip("/")).parent if own.get("", "/") != "/" else mount
    try:
        there = set((parent / "cgroup.subtree_control").read_text().split())
    except OSError:
        return None
    wanted = [one for one in (*_NEEDED, "cpu") if one in there]
    return Groups(dict.fromkeys(wanted, parent), 2) if set(_NEEDED) <= there else None


def _version_1(own: Mapping[str, str], mount: Path) -> Groups | None:
    paths = {one: path for names, path in own.items() for one in names.split(",")}
    parents: dict[str, Path] = {one: mount / one / paths[one].lstrip("/") for one in (*_NEEDED, "cpu") if one in paths}
    return Groups(parents, 1) if set(_NEEDED) <= set(parents) else None


def _can(parent: Path) -> bool:
    trial = parent / f"{_MARK}{os.getpid()}"
    try:
        trial.mkdir(exist_ok=True)
        trial.rmdir()
    except OSError:
        return False
    return True


def _settings(controller: str, version: int, limits: Limits) -> Mapping[str, str]:
    """What is written where. The private file system of a run lies in memory and counts with it."""
    memory, processes = str(limits.memory_bytes + limits.disk_bytes), str(limits.processes + _SPARE)
    if version == 2:
        of = {
            "memory": {"memory.max": memory},
            "pids": {"pids.max": processes},
        }
    else:
        of = {
            "memory": {"memory.limit_in_bytes": memory},
            "pids": {"pids.max": processes},
        }
    return of.get(controller, {})
