"""What a part saw: one file of JSON lines, the first of which says where and when."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from aiox.runtime.clock import Clock
from bench.report import machine_line

TOP: Final = Path(__file__).parents[2]
FOLDER: Final = TOP / "bench" / "results" / "whole"
Point = tuple[float, float]
"""Seconds after the start of a loop at which a message was due, and milliseconds from then to its answer."""


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one round of one side. Round 0 is the warm-up and never counts."""

    side: str
    round: int
    metric: str
    unit: str
    value: float


@dataclass(frozen=True, slots=True)
class Times:
    """The answers of one loop, each by itself."""

    side: str
    round: int
    loop: str
    points: Sequence[Point]


class Record:
    """The file of a part, written as it goes: what a broken run has seen is there."""

    def __init__(self, path: Path, head: Mapping[str, object]) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(head) + "\n")

    def figures(self, side: str, number: int, found: Iterable[tuple[str, str, float]]) -> None:
        """Adds figures of a round: metric, unit and value of each; and shows them."""
        shown = []
        for metric, unit, value in found:
            self._add({"side": side, "round": number, "metric": metric, "unit": unit, "value": round(value, 4)})
            shown.append(f"{metric} {value:.2f} {unit}")
        print(f"  {number} {side}: {', '.join(shown)}", flush=True)

    def times(self, side: str, number: int, loop: str, points: Sequence[Point]) -> None:
        """Adds the answers of a loop."""
        rounded = [(round(at, 3), round(took, 2)) for at, took in points]
        self._add({"side": side, "round": number, "loop": loop, "points": rounded})

    def _add(self, line: Mapping[str, object]) -> None:
        with self.path.open("a") as file:
            file.write(json.dumps(line, separators=(",", ":")) + "\n")


@dataclass(frozen=True, slots=True)
class Seen:
    """A part's file, read."""

    head: Mapping[str, Any]
    figures: Sequence[Figure]
    times: Sequence[Times]

    def values(self, side: str, metric: str) -> list[float]:
        """One for each round that counts."""
        return [one.value for one in self.figures if one.round and (one.side, one.metric) == (side, metric)]

    def sides(self, metric: str) -> list[str]:
        """Those that have this figure, in the order in which they first had it."""
        return list(dict.fromkeys(one.side for one in self.figures if one.metric == metric))

    def points(self, side: str, loop: str) -> list[Point]:
        """Of all rounds that count."""
        return [
            point for one in self.times if one.round and (one.side, one.loop) == (side, loop) for point in one.points
        ]


def read(path: Path) -> Seen:
    """Raises OSError when there is no such file, ValueError when it is no record."""
    first, *lines = path.read_text().splitlines()
    figures, times = [], []
    for line in lines:
        said = json.loads(line)
        if "points" in said:
            points = [(float(at), float(took)) for at, took in said.pop("points")]
            times.append(Times(points=points, **said))
        else:
            figures.append(Figure(**said))
    return Seen(json.loads(first), figures, times)


def head(part: str, clock: Clock, facts: Mapping[str, str], *, full: bool) -> dict[str, object]:
    """Where and when: machine, commit, the load before the part began. Not `full`: it is a try."""
    return {
        "part": part,
        "full": full,
        "machine": machine_line(),
        "commit": _commit(),
        "began": clock.now().strftime("%Y-%m-%d %H:%M UTC"),
        "load": round(os.getloadavg()[0], 2),
        "facts": dict(facts),
    }


def _commit() -> str:
    """Abbreviated; with a plus sign when sources differ from it; empty outside a clone."""
    try:
        name = _git("rev-parse", "--short=10", "HEAD")
        changed = _git("status", "--porcelain", "--untracked-files=no", "--", ":!bench/results", ":!docs")
    except (OSError, subprocess.CalledProcessError):
        return ""
    return f"{name}+" if changed else name


def _git(*words: str) -> str:
    ran = subprocess.run(("git", *words), cwd=TOP, check=True, capture_output=True, text=True)
    return ran.stdout.strip()
