"""What the doctor says of a home's rights and secrets: each trouble made, and named with its mend."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aiox.cli.doctor.finding import Finding
from aiox.cli.doctor.rights import look_at_rights
from aiox.cli.stack import credentials
from aiox.cli.stack.home import Home, prepare
from aiox.runtime.settings import Settings


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = prepare(Settings(home=tmp_path))
    credentials.ensure(made)
    return made


def mends(home: Home, user: int | None = None) -> list[str]:
    return [one.mend for one in look_at_rights(home, os.geteuid() if user is None else user) if one.mend]


def test_a_home_that_is_right(home: Home) -> None:
    assert mends(home) == []


def test_none_yet(tmp_path: Path) -> None:
    found = look_at_rights(Home(tmp_path / "none"), 0)
    assert [(one.mend, "the first 'aiox up' makes it" in one.note) for one in found] == [("", True)]


def test_another_users(home: Home) -> None:
    (mend,) = mends(home, user=12345)
    assert "belongs to user" in mend
    assert f"chown -R 12345 {home.root}" in mend


def test_others_may_read(home: Home) -> None:
    home.secrets("gateway").path("jwt").chmod(0o644)
    home.settings_file.chmod(0o640)
    (mend,) = mends(home)
    assert "gateway/jwt" in mend
    assert "hub.toml" in mend
    assert f"Mend: chmod -R go= {home.root}" in mend


def test_a_secret_is_missing(home: Home) -> None:
    home.secrets("component").path("archive").unlink()
    (mend,) = mends(home)
    assert mend.startswith("component/archive missing under")


def test_a_ring_that_differs(home: Home) -> None:
    home.secrets("orchestrator").write("keyring", f"1:{'00' * 32}\n")
    (mend,) = mends(home)
    assert "its readers have different keys" in mend


def test_a_damaged_ring(home: Home) -> None:
    home.secrets("gateway").write("keyring", "no ring")
    (mend,) = mends(home)
    assert mend.startswith("that of gateway is damaged")


def test_lines_for_a_terminal() -> None:
    assert Finding("clock").line() == "  ok   clock"
    assert Finding("clock", note="nobody sets it").line() == "  note clock: nobody sets it"
    assert Finding("clock", "it is wrong").line() == "  MEND clock: it is wrong"
