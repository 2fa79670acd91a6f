"""The table compares each side with the first; above 1 is better, whichever way the metric points."""

from __future__ import annotations

from bench.measure import Figure, Sample
from bench.report import machine_line, table


def samples(side: str, metric: str, values: list[float], *, higher: bool) -> list[Sample]:
    return [Sample("s", side, n + 1, Figure(metric, "u", value, higher)) for n, value in enumerate(values)]


def test_median_minimum_maximum_and_ratio() -> None:
    text = table(samples("echo", "speed", [10, 30, 20], higher=True) + samples("hub", "speed", [5, 5, 50], higher=True))
    rows = [line.split() for line in text.splitlines()]
    assert rows[0] == ["metric", "side", "median", "min", "max", "rounds", "ratio"]
    assert rows[1] == ["speed", "(u)", "echo", "20.00", "10.00", "30.00", "3", "1.00x"]
    assert rows[2] == ["speed", "(u)", "hub", "5.00", "5.00", "50.00", "3", "0.25x"]


def test_lower_latency_is_a_higher_ratio() -> None:
    text = table(samples("echo", "p50", [2], higher=False) + samples("hub", "p50", [8], higher=False))
    assert text.splitlines()[2].endswith("0.25x")


def test_the_machine_is_one_line() -> None:
    line = machine_line()
    assert "\n" not in line
    assert "cores" in line
