from __future__ import annotations

import os
from pathlib import Path

import pytest

from aiox.cli.stack import down, lock
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


def test_a_holder_that_has_not_said_who_it_is_holds_all_the_same(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with lock.held(home):
        home.lock_file.write_text("")
        assert lock.holder(home) == lock.UNKNOWN
        assert lock.holder(home) is not None
        with pytest.raises(CannotGoOn, match="process unknown yet"), lock.held(home):
            pass


def test_down_waits_for_a_holder_to_say_who_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(down, "BUDGET_S", 0.0)
    home = Home(tmp_path)
    with lock.held(home):
        home.lock_file.write_text("")
        with pytest.raises(CannotGoOn, match="by whom is not said"):
            down.down(home)
