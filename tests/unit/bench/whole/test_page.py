"""docs/performance.md is what the raw rounds say."""

from __future__ import annotations

from pathlib import Path

from defusedxml import ElementTree

from bench.whole.page import DOCUMENT, drawn, text
from bench.whole.record import FOLDER
from tests.unit.bench.whole.seen import all_parts


def test_the_page_and_its_pictures_are_those_of_the_rounds() -> None:
    """Mend: python -m bench.whole.page."""
    assert DOCUMENT.read_text() == text()
    found = drawn()
    assert found, "nothing was measured"
    assert {path: path.read_text() for path in found} == found
    assert set(FOLDER.glob("*.svg")) == set(found)


def test_a_page_says_what_was_missed_and_what_was_a_try(tmp_path: Path) -> None:
    all_parts(tmp_path, share=0.4)
    page = text(tmp_path)
    assert "| echoes | messages/s beside the bare component: at least 0.5 x | 0.65 x | 0.40 x | **missed** |" in page
    assert "| echoes | added p50 at half load: at most 5 ms | 2 ms | 4 ms | met |" in page
    assert page.count("A short try") == 1
    assert "| closed loop (messages/s) | 1,000 (1,000 to 1,000) | 400 (400 to 400) | 400 (400 to 400) |" in page
    assert "two cores" in page
    assert "0123456789" in page


def test_a_part_that_was_not_measured_is_left_out(tmp_path: Path) -> None:
    all_parts(tmp_path)
    (tmp_path / "growth.jsonl").unlink()
    assert "Growth" not in text(tmp_path)
    assert not [path for path in drawn(tmp_path) if "growth" in path.name]


def test_every_part_has_its_pictures(tmp_path: Path) -> None:
    all_parts(tmp_path)
    found = drawn(tmp_path)
    assert {path.name.partition("-")[0] for path in found} == {"echoes", "models", "thousand", "growth"}
    assert all(ElementTree.fromstring(picture).tag.endswith("svg") for picture in found.values())
