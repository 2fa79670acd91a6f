"""A row of docs/proofs.md fits the table that stands there."""

from __future__ import annotations

from setup.prove import DOCUMENT, line
from tests.architecture.house import TOP


def test_rows_fit_the_head_of_the_table() -> None:
    head = next(text for text in (TOP / DOCUMENT).read_text().splitlines() if text.startswith("| date"))
    assert line("2000-01-01", "abc", "", "7", 61.4, 0).count("|") == head.count("|")


def test_says_what_failed() -> None:
    assert line("2000-01-01", "abc+", "load", "7", 61.4, 1) == "| 2000-01-01 | abc+ | load | 7 | 61 s | FAILED (1) |\n"
