"""Which commands stand on record when they fail: by their names, never with what was given to them."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiox.cli.operator_record import command_in, note
from aiox.runtime.clock import SystemClock
from aiox.runtime.settings import Settings


@pytest.mark.parametrize(
    ("typed", "command"),
    [
        ("key rotate --keep-days 0", "key rotate"),
        ("--home /tmp/x migrate --check", "migrate"),
        ("--home=/tmp/x user password ada@h.example --password-file secret", "user password"),
        ("agent documents add Ada file.md", "agent documents add"),
        ("up --once", "up"),
        ("trace 1", ""),
        ("chat", ""),
        ("--help", ""),
        ("key", ""),
        ("", ""),
    ],
)
def test_a_command_is_known_by_its_name_alone(typed: str, command: str) -> None:
    assert command_in(typed.split()) == command


async def test_where_there_is_no_hub_nothing_is_on_record_and_nothing_is_said(tmp_path: Path) -> None:
    assert await note(Settings(home=tmp_path), SystemClock(), "up", outcome="started") == ""
