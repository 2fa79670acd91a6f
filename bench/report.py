"""What a bench prints: the machine, and one row per metric and side with the ratio to the first side."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.measure import Sample

_HEAD = ("metric", "side", "median", "min", "max", "rounds", "ratio")


def machine_line() -> str:
    """Processor, cores, memory, kernel and Python of this machine, on one line."""
    model = _first("/proc/cpuinfo", "model name") or platform.machine()
    memory = int(_first("/proc/meminfo", "MemTotal").split()[0] or 0) / 2**20
    cores = len(os.sched_getaffinity(0))
    return (
        f"{model}, {cores} cores, {memory:.1f} GiB, Linux {platform.release()}, "
        f"{_distribution()}, Python {platform.python_version()}"
    )


def _first(path: str, key: str) -> str:
    for line in Path(path).read_text().splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    return ""


def _distribution() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        return "unknown distribution"


def table(samples: Sequence[Sample]) -> str:
    """Median, minimum and maximum over the rounds.

    The ratio compares medians with the first side of the same metric; above 1 this side is better, whichever way the
    metric points.
    """
    rows: list[tuple[str, ...]] = [_HEAD]
    for metric in dict.fromkeys(sample.figure.metric for sample in samples):
        of_metric = [sample for sample in samples if sample.figure.metric == metric]
        reference = 0.0
        for side in dict.fromkeys(sample.side for sample in of_metric):
            figures = [sample.figure for sample in of_metric if sample.side == side]
            values = [figure.value for figure in figures]
            middle = median(values)
            reference = reference or middle
            over, under = (middle, reference) if figures[0].higher_is_better else (reference, middle)
            name = f"{metric} ({figures[0].unit})"
            rows.append(
                (
                    name,
                    side,
                    *(f"{v:.2f}" for v in (middle, min(values), max(values))),
                    str(len(values)),
                    f"{over / under:.2f}x" if under else "-",
                )
            )
    return _aligned(rows)


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [
            cell.ljust(width) if column < 2 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        lines.append("  ".join(cells).rstrip())
    return "\n".join(lines)
