"""Control groups around a run, where they can be made: the kernel ends what holds too much, and nothing is left."""

# ruff: noqa: E501 -- a table of cases

from __future__ import annotations

from pathlib import Path

import pytest

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.calls import INTERPRETER
from ai_worker.sandbox.cgroup import Groups, find_groups
from ai_worker.sandbox.port import MIB, Job, Limits, SandboxUnavailable, Why
from aiox.runtime.clock import SystemClock

HOG = """
import os, time
for _ in range(8):
    if os.fork() == 0:
        held = b"x" * (60 << 20)
        time.sleep(60)
time.sleep(60)
"""
BOMB = """
import os, sys
made = 0
for _ in range(64):
    try:
        if os.fork() == 0:
            os.pause() if hasattr(os, "pause") else __import__("signal").pause()
        made += 1
    except OSError:
        pass
print(made)
"""


@pytest.fixture
def groups() -> Groups:
    found = find_groups()
    if found is None:
        pytest.skip("no control groups can be made here")
    return found


def folders(groups: Groups) -> list[Path]:
    return [one for parent in set(groups.parents.values()) for one in parent.glob("aiox-run-*")]


async def test_memory_of_all_processes_together_is_the_kernels_matter(groups: Groups) -> None:
    sandbox = Bubblewrap(SystemClock(), groups=groups)
    limits = Limits(wall_s=60.0, memory_bytes=128 * MIB, disk_bytes=MIB)
    finished = await sandbox.run(Job((*INTERPRETER, "-c", HOG), limits=limits))
    assert finished.why is Why.MEMORY


async def test_a_run_is_in_its_group_with_all_that_it_starts(groups: Groups) -> None:
    """32 processes: the group's limit is said by the kernel, whoever asks for more."""
    sandbox = Bubblewrap(SystemClock(), groups=groups)
    finished = await sandbox.run(Job((*INTERPRETER, "-c", BOMB), limits=Limits(wall_s=60.0, processes=16)))
    assert 0 < int(finished.stdout) <= 16


async def test_what_is_over_leaves_no_group(groups: Groups) -> None:
    before = set(folders(groups))
    sandbox = Bubblewrap(SystemClock(), groups=groups)
    for _ in range(3):
        assert (await sandbox.run(Job((*INTERPRETER, "-c", "print(1)")))).stdout == b"1\n"
    assert len({one.name for one in set(folders(groups)) - before}) <= 1  # the last one's processes may end just now
    with groups.made(Limits()):
        pass
    assert {one.name for one in groups.left} <= {one.name for one in folders(groups)}


async def test_a_group_that_cannot_be_made_is_no_sandbox(tmp_path: Path) -> None:
    nowhere = Groups({"memory": tmp_path / "no", "pids": tmp_path / "no"}, 1)
    with pytest.raises(SandboxUnavailable, match="could not be made"):
        await Bubblewrap(SystemClock(), groups=nowhere).run(Job((*INTERPRETER, "-c", "print(1)")))


SERVICE = "0::/system.slice/aiox.service"
CONTROL = "system.slice/cgroup.subtree_control"


@pytest.mark.parametrize(
    ("own", "files", "expected"),
    [
        (SERVICE, {"cgroup.controllers": "", CONTROL: "cpu memory pids"}, (2, {"cpu", "memory", "pids"})),
        (SERVICE, {"cgroup.controllers": "", CONTROL: "memory pids"}, (2, {"memory", "pids"})),
        (SERVICE, {"cgroup.controllers": "", CONTROL: "memory"}, None),
        ("0::/a/b", {"cgroup.controllers": ""}, None),
        ("4:memory:/x\n8:pids:/\n1:cpu,cpuacct:/", {"memory/x/y": "", "pids/y": "", "cpu/y": ""}, (1, {"cpu", "memory", "pids"})),
        ("4:memory:/x", {"memory/x/y": ""}, None),
        ("8:pids:/gone\n4:memory:/gone", {}, None),
        ("nonsense", {}, None),
    ],
)  # fmt: skip
def test_where_groups_can_be_made(
    tmp_path: Path, own: str, files: dict[str, str], expected: tuple[int, set[str]] | None
) -> None:
    (tmp_path / "self").mkdir()
    (tmp_path / "self" / "cgroup").write_text(own)
    for name, text in files.items():
        path = tmp_path / "mount" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    found = find_groups(tmp_path, tmp_path / "mount")
    assert (None if found is None else (found.version, set(found.parents))) == expected
