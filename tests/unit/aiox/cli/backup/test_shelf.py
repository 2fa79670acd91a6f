"""The folder of backups."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiox.cli.backup.shelf import Shelf
from aiox.runtime.settings import Backup, Settings

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def shelf(folder: Path, days: int) -> Shelf:
    made = Shelf(folder, "hub.example")
    for day in range(days):
        made.name(NOW + timedelta(days=day)).write_text("backup")
    return made


def test_newest_first_and_only_ours(tmp_path: Path) -> None:
    made = shelf(tmp_path, 3)
    (tmp_path / "other.example-20270101T000000Z.aiox-backup").write_text("another hub's")
    (tmp_path / "hub.example-yesterday.aiox-backup").write_text("by hand")
    assert [one.taken_at for one in made.all()] == [NOW + timedelta(days=day) for day in (2, 1, 0)]
    assert shelf(tmp_path / "empty", 0).newest() is None


def test_the_oldest_go_and_what_was_said_of_them(tmp_path: Path) -> None:
    made = shelf(tmp_path, 5)
    for one in made.all():
        made.tried(one.path, "")
    made.prune(2)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        f"hub.example-2026010{day}T030405Z.aiox-backup{ending}" for day in (5, 6) for ending in ("", ".tried")
    )


def test_the_newest_that_could_be_restored_outlives_those_that_could_not(tmp_path: Path) -> None:
    made = shelf(tmp_path, 5)
    standing = made.all()
    made.tried(standing[4].path, "")
    for one in standing[:4]:
        made.tried(one.path, "the ledger is broken")
    made.prune(2)
    assert [one.checked for one in made.all()] == ["failed", "failed", "passed"]


def test_lies_where_the_settings_say(tmp_path: Path) -> None:
    assert Shelf.of(Settings(home=tmp_path)).folder == tmp_path / "backups"
    assert Shelf.of(Settings(home=tmp_path, backup=Backup(folder="/other/disk"))).folder == Path("/other/disk")
