"""Rounds are interleaved, warm-ups do not count, raw samples are kept, percentiles are of the values."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.measure import Figure, Sample, Samples, interleave, percentile


class Counting:
    def __init__(self, name: str, order: list[str]) -> None:
        self.name = name
        self._order = order

    async def measure(self) -> Sequence[Figure]:
        self._order.append(self.name)
        return [Figure("count", "n", len(self._order))]


async def test_rounds_alternate_and_the_warm_up_does_not_count() -> None:
    order: list[str] = []
    kept: list[Sample] = []
    samples = await interleave("s", [Counting("A", order), Counting("B", order)], 2, kept.append)
    assert order == ["A", "B"] * 3
    assert [(sample.side, sample.round, sample.figure.value) for sample in samples] == [
        ("A", 1, 3),
        ("B", 1, 4),
        ("A", 2, 5),
        ("B", 2, 6),
    ]
    assert len(kept) == 6


def test_samples_are_lines_behind_the_machine(tmp_path: Path) -> None:
    samples = Samples(tmp_path / "results" / "s.jsonl", "a machine")
    samples.keep(Sample("s", "A", 1, Figure("p50", "ms", 1.5)))
    machine, line = [json.loads(text) for text in samples.path.read_text().splitlines()]
    assert machine == {"machine": "a machine"}
    expected = {"scenario": "s", "side": "A", "round": 1, "metric": "p50", "unit": "ms", "value": 1.5}
    assert line == expected | {"higher_is_better": False}


@pytest.mark.parametrize(("share", "value"), [(0.0, 1), (0.5, 6), (0.99, 10), (1.0, 10)])
def test_percentiles(share: float, value: float) -> None:
    assert percentile(range(1, 11), share) == value


def test_no_values_have_no_percentile() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)
