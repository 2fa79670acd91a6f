"""What became of the messages, as a table and as pictures."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench.load.__main__ import keep
from bench.load.bodies import MIXED
from bench.load.fleet import Sample
from bench.load.plot import Line, picture
from bench.load.report import pictures, rows, summary


def sample(at: float, answered: float | None, size: int = 80, error: str = "") -> Sample:
    receipt = None if error else at + 0.002
    return Sample("id", 0, 0, at, at, receipt, answered, error, size)


SAMPLES = [
    *(sample(n / 10, n / 10 + 0.010 + n / 10_000) for n in range(100)),
    *(sample(n, n + 0.5, size=30_000) for n in range(4)),
    sample(3.0, None, error="HUB_BUSY"),
    sample(4.0, None),
]


def test_a_row_says_what_became_of_each_and_how_long_it_took() -> None:
    everything, lines, documents = rows(SAMPLES, MIXED)
    assert (everything.sent, everything.answered, everything.refused, everything.silent) == (106, 104, 1, 1)
    assert (lines.kind, documents.kind, documents.sent) == ("a line", "a document", 4)
    assert lines.p50 == pytest.approx(15.0, abs=0.2)
    assert lines.longest == pytest.approx(19.9)
    assert documents.p99 == pytest.approx(500)
    assert lines.receipt_p50 == pytest.approx(2.0)


def test_nothing_answered_has_no_times() -> None:
    [row, _] = rows([sample(0.0, None)], MIXED)
    assert (row.p50, row.longest) == (None, None)
    assert "| 2.0 ms | - | - | - | - |" in summary("t", {}, [row])


def test_the_page_has_the_facts_and_a_line_per_kind() -> None:
    page = summary("Load", {"machine": "two cores"}, rows(SAMPLES, MIXED))
    assert "- machine: two cores" in page
    assert "| all | 106 | 104 | 1 | 1 |" in page
    assert page.count("\n| a ") == 2


def test_pictures_are_svg_with_a_point_for_each_answer() -> None:
    drawn = pictures(SAMPLES, MIXED)
    assert set(drawn) == {"latency", "distribution", "throughput"}
    for text in drawn.values():
        root = ET.fromstring(text)  # noqa: S314 -- our own
        assert root.tag.endswith("svg")
    assert drawn["latency"].count("h.01") == 104


def test_a_picture_puts_high_values_high_and_escapes_words() -> None:
    text = picture("a < b", "x", "y", [Line("&", [(0, 1), (10, 100)])], logarithmic=True)
    line = next(one for one in ET.fromstring(text) if one.tag.endswith("polyline"))  # noqa: S314 -- our own
    (left, low), (right, high) = (tuple(map(float, point.split())) for point in _pairs(line.get("points", "")))
    assert left < right
    assert low > high
    assert "a &lt; b" in text


def _pairs(points: str) -> list[str]:
    numbers = points.split()
    return [" ".join(numbers[place : place + 2]) for place in range(0, len(numbers), 2)]


def test_a_picture_of_nothing_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing to draw"):
        picture("t", "x", "y", [Line("a", [])])


def test_everything_is_kept(tmp_path: Path) -> None:
    page = keep(SAMPLES, {"machine": "two cores"}, "mixed", tmp_path)
    names = sorted(path.suffix for path in tmp_path.iterdir())
    assert names == [".jsonl", ".md", ".svg", ".svg", ".svg"]
    [raw] = tmp_path.glob("*.jsonl")
    lines = [json.loads(line) for line in raw.read_text().splitlines()]
    assert len(lines) == 1 + len(SAMPLES)
    assert lines[1]["answered"] == pytest.approx(0.010)
    assert all(f"{path.name}" in page.read_text() for path in tmp_path.glob("*.svg"))
