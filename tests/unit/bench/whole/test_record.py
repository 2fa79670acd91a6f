"""What a part has seen is read as it was written, and the warm-up does not count."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aiox.runtime.clock import SystemClock
from bench.whole.record import Record, head, read
from bench.whole.rows import AGENTS_OF_AN_OWNER
from registry.agents import MOST


def test_figures_and_times_come_back(tmp_path: Path) -> None:
    record = Record(tmp_path / "a" / "part.jsonl", head("part", SystemClock(), {"model": "none"}, full=True))
    for number in (0, 1, 2):
        record.figures("hub", number, [("rate", "messages/s", 10.0 * number), ("p50", "ms", 1.23456)])
        record.times("hub", number, "loop", [(0.12345, float(number))])
    record.figures("echo", 1, [("rate", "messages/s", 7.0)])
    seen = read(record.path)
    assert seen.head["part"] == "part"
    assert seen.head["facts"] == {"model": "none"}
    assert "cores" in seen.head["machine"]
    assert seen.values("hub", "rate") == [10.0, 20.0]
    assert seen.sides("rate") == ["hub", "echo"]
    assert seen.points("hub", "loop") == [(0.123, 1.0), (0.123, 2.0)]


def test_a_new_record_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "part.jsonl"
    Record(path, {"part": "before"}).figures("hub", 1, [("rate", "1/s", 1.0)])
    Record(path, {"part": "now"})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [{"part": "now"}]


def test_a_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="nothing"):
        read(tmp_path / "nothing.jsonl")


def test_owners_stay_below_what_an_account_may_have() -> None:
    assert AGENTS_OF_AN_OWNER <= MOST
