"""Pictures as SVG, without a library: points and lines over two axes, the upright one logarithmic if asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from math import ceil, floor, log10
from typing import Final

_WIDTH, _HEIGHT = 760, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 46, 50
COLOURS: Final = ("#2563eb", "#db2777", "#059669", "#d97706", "#7c3aed", "#475569")
_TICKS: Final = 6


@dataclass(frozen=True, slots=True)
class Line:
    """Points in order. `dots`: they are shown each for itself."""

    name: str
    points: Sequence[tuple[float, float]]
    dots: bool = False


@dataclass(frozen=True, slots=True)
class _Axis:
    low: float
    high: float
    start: float
    length: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        low, high, one = (log10(v) if self.logarithmic else v for v in (self.low, self.high, max(value, self.low)))
        return self.start + self.length * (one - low) / ((high - low) or 1.0)

    def ticks(self) -> list[float]:
        if self.logarithmic:
            return [10.0**power for power in range(round(log10(self.low)), round(log10(self.high)) + 1)]
        step = _step((self.high - self.low) / _TICKS)
        return [step * number for number in range(ceil(self.low / step), floor(self.high / step) + 1)]


def _step(rough: float) -> float:
    """1, 2 or 5 times a power of ten, not below `rough`."""
    power = 10.0 ** floor(log10(rough or 1.0))
    return next(power * one for one in (1, 2, 5, 10) if power * one >= rough)


def picture(title: str, across: str, up: str, lines: Sequence[Line], *, logarithmic: bool = False) -> str:
    """One SVG document. Raises ValueError when there is no point at all."""
    points = [point for line in lines for point in line.points]
    if not points:
        raise ValueError(f"nothing to draw for {title!r}")
    x = _Axis(0.0, max(p[0] for p in points) or 1.0, _LEFT, _WIDTH - _LEFT - _RIGHT)
    values = [p[1] for p in points]
    low, high = (0.0, max(values) * 1.05 or 1.0)
    if logarithmic:
        positive = [value for value in values if value > 0] or [1.0]
        low, high = 10.0 ** floor(log10(min(positive))), 10.0 ** ceil(log10(max(positive) * 1.0001))
    y = _Axis(low, high, _HEIGHT - _BOTTOM, -(_HEIGHT - _TOP - _BOTTOM), logarithmic)
    drawn = [_drawn(line, COLOURS[number % len(COLOURS)], x, y, number) for number, line in enumerate(lines)]
    return "\n".join((_frame(title, across, up), *_grid(x, y), *drawn, "</svg>", ""))


def _frame(title: str, across: str, up: str) -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" font-size="12"'
        ' font-family="sans-serif">'
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="#ffffff"/>'
        f'<text x="{_LEFT}" y="18" font-size="14" font-weight="bold">{escape(title)}</text>'
        f'<text x="{_WIDTH - _RIGHT}" y="{_HEIGHT - 12}" text-anchor="end">{escape(across)}</text>'
        f'<text transform="translate(14 {_HEIGHT // 2}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
    )


def _grid(x: _Axis, y: _Axis) -> list[str]:
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT
    upright = [
        f'<text x="{x.at(tick):.1f}" y="{bottom + 16}" text-anchor="middle" fill="#475569">{tick:g}</text>'
        for tick in x.ticks()
    ]
    level = [
        f'<path d="M{_LEFT} {y.at(tick):.1f}H{right}" stroke="#e2e8f0"/>'
        f'<text x="{_LEFT - 6}" y="{y.at(tick) + 4:.1f}" text-anchor="end" fill="#475569">{tick:g}</text>'
        for tick in y.ticks()
    ]
    return [*level, *upright]


def _drawn(line: Line, colour: str, x: _Axis, y: _Axis, number: int) -> str:
    label = f'<text x="{_LEFT + 130 * number}" y="36" fill="{colour}">{escape(line.name)}</text>'
    places = [f"{x.at(across):.1f} {y.at(up):.1f}" for across, up in line.points]
    style = f'fill="none" stroke="{colour}"'
    if line.dots:
        dots = "".join(f"M{place}h.01" for place in places)
        return f'<path d="{dots}" {style} stroke-width="3" stroke-linecap="round" stroke-opacity="0.5"/>{label}'
    return f'<polyline points="{" ".join(places)}" {style} stroke-width="1.5"/>{label}'
