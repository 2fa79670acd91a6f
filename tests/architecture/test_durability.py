"""docs/durability.md lists every crash point and every claim, in the code's own words, and each hook is called."""

from __future__ import annotations

import re
from typing import Final

from aiox.runtime.crash import CrashPoint
from tests.architecture.house import TOP
from tests.chaos.checker import Claim

PAGE: Final = TOP / "docs" / "durability.md"
ROOMS: Final = ("component", "orchestrator", "ai_worker")


def rows(section: str) -> dict[str, list[str]]:
    """First cell of each row of a section's table, to the other cells."""
    text = PAGE.read_text().split(f"## {section}\n")[1].split("\n## ")[0]
    table = [line.strip("|").split("|") for line in text.splitlines() if line.startswith("| ")][1:]
    return {cells[0].strip(): [cell.strip() for cell in cells[1:]] for cells in table}


def test_every_crash_point_has_its_row_with_its_sentence() -> None:
    assert {name: cells[0] for name, cells in rows("Crash points").items()} == {p.name: p.value for p in CrashPoint}


def test_every_row_says_what_is_durable_and_what_happens() -> None:
    assert [name for name, cells in rows("Crash points").items() if len(cells) != 3 or not all(cells)] == []


def test_every_claim_has_its_row_with_its_sentence() -> None:
    assert {name: cells[0] for name, cells in rows("What is claimed").items()} == {c.name: c.value for c in Claim}


def test_every_hook_is_called_once_in_the_room_that_it_names() -> None:
    for room in ROOMS:
        text = "".join(path.read_text() for path in sorted((TOP / room).rglob("*.py")))
        called = re.findall(r"crash\(CrashPoint\.(\w+)", text)
        assert sorted(called) == sorted(point.name for point in CrashPoint if point.value.startswith(f"{room}:"))
