"""Pictures of what the parts saw, from their raw rounds. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from bench.load.plot import Line, picture
from bench.whole import echoes, growth, models, thousand
from bench.whole.asking import CLOSED
from bench.whole.record import Point, Seen

_SHARES: Final = 200
_DOTS: Final = 3000
"""Of a picture at most: an even choice of more."""


def pictures(name: str, seen: Seen) -> dict[str, str]:
    """SVG by name. Raises ValueError when a part has seen nothing."""
    return _OF[name](seen)


def _echoes(seen: Seen) -> dict[str, str]:
    return {"throughput": _rounds(seen, CLOSED, "messages/s"), "half-load": _distributions(seen, echoes.HALF)}


def _models(seen: Seen) -> dict[str, str]:
    return {"throughput": _rounds(seen, CLOSED, "requests/s"), "unloaded": _distributions(seen, models.UNLOADED)}


def _thousand(seen: Seen) -> dict[str, str]:
    points = seen.points(thousand.HUB, thousand.LOOP)
    step = max(1, len(points) // _DOTS)
    line = Line(thousand.HUB, points[::step], dots=True)
    return {
        "latency": picture("from asking to the answer", "seconds", "ms", [line], logarithmic=True),
        "distribution": _distributions(seen, thousand.LOOP),
    }


def _growth(seen: Seen) -> dict[str, str]:
    lines = []
    for side in (growth.SMALL, growth.GROWN):
        points: list[Point] = []
        for place, stage in enumerate(growth.STAGES):
            values = seen.values(side, f"{stage}, CPU of a message")
            points += [(place + number / len(values), value) for number, value in enumerate(values)]
        lines.append(Line(side, points))
    title = "CPU of a message by stage: 0 as made, 1 many agents, 2 many memories, too"
    return {"cpu": picture(title, "stage", "ms", lines)}


def _rounds(seen: Seen, metric: str, unit: str) -> str:
    sides = seen.sides(metric)
    lines = [Line(side, [(n + 1.0, value) for n, value in enumerate(seen.values(side, metric))]) for side in sides]
    return picture(f"{metric}, round by round", "round", unit, lines)


def _distributions(seen: Seen, loop: str) -> str:
    sides = dict.fromkeys(one.side for one in seen.times if one.loop == loop)
    lines = [Line(side, _distribution([took for _, took in seen.points(side, loop)])) for side in sides]
    return picture(f"{loop}: answered within", "percent of the messages", "ms", lines, logarithmic=True)


def _distribution(times: Sequence[float]) -> list[Point]:
    ordered = sorted(times)
    shares = [number / _SHARES for number in range(_SHARES + 1)]
    return [(100 * share, ordered[min(len(ordered) - 1, int(share * len(ordered)))]) for share in shares]


_OF: Final[Mapping[str, Callable[[Seen], dict[str, str]]]] = {
    echoes.NAME: _echoes,
    models.NAME: _models,
    thousand.NAME: _thousand,
    growth.NAME: _growth,
}
