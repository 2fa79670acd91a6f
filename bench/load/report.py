"""Figures and pictures of what became of the messages of one run. Pure."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bench.load.bodies import Size, name_of
from bench.load.fleet import Sample
from bench.load.plot import Line, picture
from bench.measure import percentile

_ALL = "all"
_POINTS = 200


@dataclass(frozen=True, slots=True)
class Row:
    """Messages of one kind. Times in milliseconds, from the moment at which each was to be sent; None without any."""

    kind: str
    sent: int
    answered: int
    refused: int
    silent: int
    receipt_p50: float | None
    p50: float | None
    p90: float | None
    p99: float | None
    longest: float | None


def rows(samples: Sequence[Sample], sizes: Sequence[Size]) -> list[Row]:
    """All messages first, then by the length of their texts, shortest first."""
    kinds: dict[str, list[Sample]] = {size.name: [] for size in sizes}
    for sample in samples:
        kinds[name_of(sizes, sample.size)].append(sample)
    return [_row(_ALL, samples), *(_row(kind, found) for kind, found in kinds.items() if found)]


def _row(kind: str, samples: Sequence[Sample]) -> Row:
    times = [sample.latency_ms for sample in samples if sample.answered is not None]
    receipts = [(s.receipted - s.scheduled) * 1000 for s in samples if s.receipted is not None]

    def at(values: Sequence[float], share: float) -> float | None:
        return percentile(values, share) if values else None

    return Row(
        kind=kind,
        sent=len(samples),
        answered=len(times),
        refused=sum(sample.answered is None and bool(sample.error) for sample in samples),
        silent=sum(sample.answered is None and not sample.error for sample in samples),
        receipt_p50=at(receipts, 0.5),
        p50=at(times, 0.5),
        p90=at(times, 0.9),
        p99=at(times, 0.99),
        longest=max(times, default=None),
    )


def summary(title: str, facts: Mapping[str, str], found: Sequence[Row]) -> str:
    """A page of Markdown."""
    head = "| messages | sent | answered | refused | neither | receipt p50 | p50 | p90 | p99 | longest |"
    lines = [f"# {title}", "", *(f"- {name}: {value}" for name, value in facts.items()), "", head]
    lines.append("|---|" + "---:|" * 9)
    for row in found:
        times = (row.receipt_p50, row.p50, row.p90, row.p99, row.longest)
        cells = (row.kind, row.sent, row.answered, row.refused, row.silent, *map(_ms, times))
        lines.append("| " + " | ".join(str(cell) for cell in cells) + " |")
    return "\n".join(
        [*lines, "", "Times from the moment at which a message was to be sent, so that none can hide.", ""]
    )


def _ms(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f} ms" if value < 1000 else f"{value / 1000:.2f} s"


def pictures(samples: Sequence[Sample], sizes: Sequence[Size]) -> dict[str, str]:
    """SVG by name: latency over the run, its distribution, and how many were sent and answered each second.

    Raises ValueError when nothing was answered.
    """
    kinds: dict[str, list[Sample]] = {}
    for sample in samples:
        if sample.answered is not None:
            kinds.setdefault(name_of(sizes, sample.size), []).append(sample)
    order = [size.name for size in sizes if size.name in kinds]
    over = [Line(kind, [(one.scheduled, one.latency_ms) for one in kinds[kind]], dots=True) for kind in order]
    shares = [Line(kind, _distribution([one.latency_ms for one in kinds[kind]])) for kind in order]
    rates = [
        Line("sent", _by_second([one.scheduled for one in samples])),
        Line("answered", _by_second([one.answered for one in samples if one.answered is not None])),
    ]
    return {
        "latency": picture("from asking to the answer", "seconds", "ms", over, logarithmic=True),
        "distribution": picture("answered within", "percent of the messages", "ms", shares, logarithmic=True),
        "throughput": picture("messages a second", "seconds", "messages", rates),
    }


def _distribution(times: Sequence[float]) -> list[tuple[float, float]]:
    ordered = sorted(times)
    shares = [number / _POINTS for number in range(_POINTS + 1)]
    return [(100 * share, ordered[min(len(ordered) - 1, int(share * len(ordered)))]) for share in shares]


def _by_second(moments: Sequence[float]) -> list[tuple[float, float]]:
    counts = Counter(math.floor(moment) for moment in moments)
    return [(float(second), float(counts[second])) for second in range(max(counts, default=0) + 1)]
