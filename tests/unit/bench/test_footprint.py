"""What the footprint is made of: figures of processes and files that are there."""

from __future__ import annotations

import os

import pytest

from bench.footprint import installed_mb, resident_mb


def test_this_process_and_its_packages_have_a_size() -> None:
    assert 20 < resident_mb(os.getpid()) < 20_000
    assert 100 < installed_mb() < 20_000


def test_what_a_process_takes_is_added() -> None:
    before = resident_mb(os.getpid())
    block = bytearray(64 * 2**20)
    block[::4096] = b"x" * len(block[::4096])
    assert resident_mb(os.getpid()) - before > 50
    assert block


def test_a_process_that_is_not_there_is_an_error() -> None:
    with pytest.raises(OSError, match="No such file"):
        resident_mb(2**22 + 1)
