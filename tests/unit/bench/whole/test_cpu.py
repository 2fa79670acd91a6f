"""Processor time of trees of processes, read from a folder that looks like /proc."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from bench.whole.cpu import spent, used

TICKS = os.sysconf("SC_CLK_TCK")


def process(proc: Path, pid: int, parent: int, seconds: float, of_ended: float = 0.0, name: str = "x") -> None:
    (proc / str(pid)).mkdir(exist_ok=True)
    ticks = f"{round(seconds * TICKS)} 0 {round(of_ended * TICKS)} 0"
    (proc / str(pid) / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0 -1 4194304 1 0 0 0 {ticks} 20 0 1 0")


def test_a_part_is_its_process_with_all_below_it_and_those_that_have_ended(tmp_path: Path) -> None:
    (tmp_path / "self").mkdir()
    process(tmp_path, 10, 1, 1.0, of_ended=0.5)
    process(tmp_path, 11, 10, 2.0)
    process(tmp_path, 12, 11, 4.0, name="a (b) c")
    process(tmp_path, 20, 1, 8.0)
    assert used({"store": 10, "other": 20}, tmp_path) == {"store": 7.5, "other": 8.0}


def test_what_was_spent_between_two_looks(tmp_path: Path) -> None:
    process(tmp_path, 10, 1, 1.0)
    before = used({"store": 10}, tmp_path)
    process(tmp_path, 10, 1, 1.25)
    assert spent(before, used({"store": 10}, tmp_path)) == {"store": 0.25}


def test_a_part_that_has_ended_is_no_part_without_cost(tmp_path: Path) -> None:
    with pytest.raises(ProcessLookupError, match="store"):
        used({"store": 10}, tmp_path)


def test_this_process_is_found_in_the_real_one() -> None:
    assert used({"me": os.getpid()})["me"] > 0
