"""Rounds of several sides, interleaved A B A B, so that a machine that slows down slows both. Raw samples are kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one round: what, in which unit, how much. `higher_is_better` gives the ratio its direction."""

    metric: str
    unit: str
    value: float
    higher_is_better: bool = False


@dataclass(frozen=True, slots=True)
class Sample:
    """A figure, and where it came from. Round 0 is the warm-up and never counts."""

    scenario: str
    side: str
    round: int
    figure: Figure


class Side(Protocol):
    """One of the things compared."""

    @property
    def name(self) -> str:
        """As it stands in the table."""
        ...

    async def measure(self) -> Sequence[Figure]:
        """One round. Raises when anything went wrong: a round with errors is no round."""
        ...


async def interleave(scenario: str, sides: Sequence[Side], rounds: int, keep: Callable[[Sample], None]) -> list[Sample]:
    """One warm-up of each side, then `rounds` rounds in turn. Every sample is handed to `keep` as soon as it exists."""
    samples = []
    for number in range(rounds + 1):
        for side in sides:
            for figure in await side.measure():
                sample = Sample(scenario, side.name, number, figure)
                keep(sample)
                samples.append(sample)
    return [sample for sample in samples if sample.round > 0]


class Samples:
    """A file of raw samples, one JSON object per line; the first line describes the machine."""

    def __init__(self, path: Path, machine: str) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"machine": machine}) + "\n")

    def keep(self, sample: Sample) -> None:
        """Adds a sample."""
        line = asdict(sample)
        line |= line.pop("figure")
        with self.path.open("a") as file:
            file.write(json.dumps(line) + "\n")


def percentile(values: Iterable[float], share: float) -> float:
    """The value that `share` (0 to 1) of the values do not exceed. Raises ValueError when there are none."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
