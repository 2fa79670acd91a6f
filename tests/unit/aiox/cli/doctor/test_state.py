"""What the figures of a running hub mean."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aiox.cli.backup.shelf import Shelf
from aiox.cli.doctor.backups import look_at_backups
from aiox.cli.doctor.state import waiting, work
from aiox.cli.stack.bus import State
from aiox.runtime.settings import Settings
from tests.architecture.house import TOP

NOW = datetime(2026, 1, 1, tzinfo=UTC)
WELL: dict[str, Any] = {
    "letters": 0,
    "unsent": 0,
    "workers": 1,
    "written": 10,
    "signed": 10,
    "signed_at": NOW - timedelta(hours=1),
    "rotations": 0,
    "refused": None,
    "now": NOW,
}


def mends(**changed: Any) -> list[str]:
    return [one.mend for one in work({**WELL, **changed}, NOW) if one.mend]


def test_well() -> None:
    assert mends() == []
    assert mends(written=12, signed_at=NOW - timedelta(seconds=30)) == []


@pytest.mark.parametrize(
    ("changed", "words", "runbook"),
    [
        ({"letters": 2}, "2 turns wait for a decision", "dead-letters"),
        ({"unsent": 1}, "1 wait for the XMPP server", "stuck-conversations"),
        ({"workers": 0}, "none was heard of", "lost-worker"),
        ({"written": 12}, "2 records are not signed", ""),
        ({"signed_at": None, "signed": 0}, "10 records are not signed", ""),
        ({"rotations": 1}, "1 was broken off", "key-rotation"),
        ({"refused": "openai"}, "refused by their providers: openai", "invalid-credentials"),
        ({"now": NOW + timedelta(seconds=7)}, "7 s from that of PostgreSQL's machine", ""),
    ],
)
def test_each_trouble_is_named_with_its_page(changed: dict[str, Any], words: str, runbook: str) -> None:
    (mend,) = mends(**changed)
    assert mend.startswith(words)
    assert "Mend:" in mend
    if runbook:
        assert f"docs/runbooks/{runbook}.md" in mend
        assert (TOP / "docs" / "runbooks" / f"{runbook}.md").is_file()


@pytest.mark.parametrize(
    ("messages", "size", "age_s", "words"),
    [
        (0, 0, 0, ""),
        (5, 1 << 10, 60, ""),
        (5, 1 << 10, 130, "5 wait, the oldest for 130 s"),
        (5, 900 << 20, 1, "900 MiB of 1024 are taken"),
    ],
)
def test_what_waits_on_the_bus(messages: int, size: int, age_s: float, words: str) -> None:
    found = waiting(State(messages, size, NOW - timedelta(seconds=age_s), 1, 1), Settings(), NOW)
    assert found.mend.startswith(words)
    assert bool(found.mend) == bool(words)


def test_backups(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, "hub.example")
    assert "Make one" in look_at_backups(shelf, 24, NOW).note
    file = shelf.name(NOW - timedelta(hours=40))
    file.write_text("")
    assert "40 hours old" in look_at_backups(shelf, 24, NOW).what
    assert "the newest is" in look_at_backups(shelf, 12, NOW).mend
    shelf.tried(file, "broken")
    assert "could not be restored" in look_at_backups(shelf, 24, NOW).mend
    shelf.tried(file, "")
    assert look_at_backups(shelf, 24, NOW).what.endswith("tried)")
