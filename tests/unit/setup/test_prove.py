"""A row of docs/proofs.md fits the table that stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from setup.prove import DOCUMENT, FIGURES, line, note
from tests.architecture.house import TOP


def test_rows_fit_the_head_of_the_table() -> None:
    head = next(text for text in (TOP / DOCUMENT).read_text().splitlines() if text.startswith("| date"))
    assert line("2000-01-01", "abc", "", "7", 61.4, 0).count("|") == head.count("|")


def test_says_what_failed() -> None:
    assert (
        line("2000-01-01", "abc+", "load", "7", 61.4, 1) == "| 2000-01-01 | abc+ | load | 7 | 61 s | FAILED (1) |  |\n"
    )


def test_figures_stand_in_the_row(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FIGURES, str(tmp_path / "figures"))
    note("200 kills")
    assert (tmp_path / "figures").read_text() == "200 kills\n"
    assert line("2000-01-01", "abc", "chaos", "7", 1, 0, "200 kills | none lost").endswith(
        "| 200 kills / none lost |\n"
    )


def test_without_make_prove_figures_go_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FIGURES, raising=False)
    note("200 kills")
