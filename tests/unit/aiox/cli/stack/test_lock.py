from __future__ import annotations

import os
from pathlib import Path

import pytest

from aiox.cli.stack import lock
from aiox.cli.stack.home import Home
from aiox.cli.stack.trouble import CannotGoOn


def test_the_second_start_on_one_home_says_who_was_first(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with lock.held(home), pytest.raises(CannotGoOn, match=rf"process {os.getpid()}\).*make down"), lock.held(home):
        pass


def test_the_lock_ends_with_its_holder(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with lock.held(home):
        assert lock.holder(home) == os.getpid()
    assert lock.holder(home) is None


def test_a_file_left_behind_locks_nobody_out(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.lock_file.write_text("4242\n")
    assert lock.holder(home) is None
    with lock.held(home):
        assert lock.holder(home) == os.getpid()
