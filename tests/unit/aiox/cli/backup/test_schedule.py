"""When a running hub takes a backup by itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from aiox.cli.backup.schedule import due

START = datetime(2026, 1, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("after", "newest", "failed", "every_h", "wanted"),
    [
        (0.0, None, None, 24, False),
        (0.9, None, None, 24, False),
        (1.0, None, None, 24, True),
        (0.5, None, None, 0.5, True),
        (0.0, -23.0, None, 24, False),
        (0.0, -24.0, None, 24, True),
        (30.0, -24.0, 29.6, 24, False),
        (30.0, -24.0, 29.5, 24, True),
        (900.0, None, None, 0, False),
    ],
)
def test_due(after: float, newest: float | None, failed: float | None, every_h: float, *, wanted: bool) -> None:
    def at(hours: float | None) -> datetime | None:
        return None if hours is None else START + hours * HOUR

    assert due(START + after * HOUR, START, at(newest), at(failed), every_h) is wanted
