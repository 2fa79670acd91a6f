"""Records of parts with known figures."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bench.whole import echoes, growth, models, thousand
from bench.whole.asking import CLOSED
from bench.whole.record import Record

Figure = tuple[str, str, float]


def record(folder: Path, part: str, *, full: bool = True) -> Record:
    said = {"part": part, "machine": "two cores", "commit": "0123456789", "began": "today", "load": 0.5}
    return Record(folder / f"{part}.jsonl", {**said, "full": full, "facts": {"model": "a stub"}})


def all_parts(folder: Path, *, share: float = 0.6, lost: float = 0.0, grown: float = 1.05) -> None:
    """A hub that carries `share` of what the bare component does; the warm-up is wild."""
    _echoes(record(folder, echoes.NAME), share)
    _models(record(folder, models.NAME, full=False))
    one = record(folder, thousand.NAME)
    times = ("platform p50", "platform p99", "worker without model p50", "worker without model p99")
    figures: list[Figure] = [
        ("lost", "messages", lost),
        ("refused", "messages", 0),
        *((name, "ms", 9) for name in times),
    ]
    one.figures(thousand.HUB, 1, figures)
    one.times(thousand.HUB, 1, thousand.LOOP, [(0.0, 20.0), (1.0, 30.0)])
    other = record(folder, growth.NAME)
    for stage, more in zip(growth.STAGES, (1.0, 1.0, grown), strict=True):
        for number in (0, 1):
            other.figures(growth.SMALL, number, [(f"{stage}, CPU of a message", "ms", 8.0)])
            other.figures(growth.GROWN, number, [(f"{stage}, CPU of a message", "ms", 8.0 * more)])


def _echoes(one: Record, share: float) -> None:
    for number, wild in ((0, 9.0), (1, 1.0), (2, 1.0)):
        sides = ((echoes.BARE, 1000.0, 2.0), (echoes.SPADE, 400.0, 3.0), (echoes.HUB, 1000 * share * wild, 6.0))
        for side, rate, p50 in sides:
            one.figures(side, number, _asked(CLOSED, rate, 30.0))
            one.figures(side, number, _asked(echoes.HALF, 0.0, p50))
            one.times(side, number, echoes.HALF, [(0.1, p50), (0.2, 2 * p50)])


def _models(one: Record) -> None:
    for side, rate, p50 in ((models.DIRECT, 900.0, 21.0), (models.LITELLM, 90.0, 33.0), (models.HUB, 120.0, 41.0)):
        one.figures(side, 1, _asked(CLOSED, rate, 300.0))
        one.figures(side, 1, _asked(models.UNLOADED, 0.0, p50))
        one.times(side, 1, models.UNLOADED, [(0.1, p50)])


def _asked(loop: str, rate: float, p50: float) -> Iterable[Figure]:
    return [(loop, "messages/s", rate), (f"{loop} p50", "ms", p50), (f"{loop} p99", "ms", 4 * p50)]
