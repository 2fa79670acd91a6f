"""The screen of `aiox top`: figures to rich's tables. Knows nothing of where they come from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from aiox.cli.top.look import READY
from aiox.cli.top.reckon import Reckoned

_BARS: Final = " ▁▂▃▄▅▆▇█"
_WIDE: Final = 96
"""From so many columns on, panels stand side by side."""
_ROWS: Final = 8
"""Of a table."""
_OF_STATUS: Final = {"healthy": "green", "degraded": "yellow", "draining": "yellow"}
_OF_BREAKER: Final = {"closed": "green", "half open": "yellow"}


def spark(values: Sequence[float], width: int) -> str:
    """The last `width` values as bars, the highest as high as can be; nothing is blank."""
    shown = list(values)[-width:]
    top = max(shown, default=0.0)
    bars = "".join(_BARS[-(-round(value * 80 / top) // 10)] if top > 0 else " " for value in shown)
    return bars.rjust(width)


def number(value: float) -> str:
    """Short: three digits say enough."""
    for size, letter, unit in ((1e9, "G", 1e9), (1e6, "M", 1e6), (1e4, "k", 1e3)):
        if value >= size:
            return f"{value / unit:.1f}{letter}"
    return f"{value:.0f}" if value >= 100 or value == int(value) else f"{value:.1f}"


def seconds(value: float | None) -> str:
    """Milliseconds below one second; a dash for nothing."""
    if value is None:
        return "-"
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def age(value: float) -> str:
    """How long a process has been up."""
    for size, letter in ((86_400, "d"), (3600, "h"), (60, "min")):
        if value >= size:
            return f"{value / size:.0f} {letter}"
    return f"{value:.0f} s"


def screen(said: Reckoned, turns: Sequence[float], domain: str, width: int) -> RenderableType:
    """Everything, for a terminal of `width` columns. `turns` are the rates of the last looks, oldest first."""
    wide = width >= _WIDE
    inner = (width // 3 if wide else width) - 4
    rows: Sequence[Sequence[tuple[int, RenderableType]]] = (
        ((1, _throughput(said, turns, inner)), (1, _latency(said)), (1, _queue(said, inner))),
        ((3, _services(said)), (2, _workers(said))),
        ((3, _models(said)), (2, _accounts(said))),
    )
    if not wide:
        return Group(_title(said, domain), *(part for row in rows for _, part in row))
    return Group(_title(said, domain), *map(_beside, rows))


def _beside(parts: Sequence[tuple[int, RenderableType]]) -> Table:
    grid = Table.grid(expand=True)
    for share, _ in parts:
        grid.add_column(ratio=share)
    grid.add_row(*(part for _, part in parts))
    return grid


def _title(said: Reckoned, domain: str) -> RenderableType:
    at = datetime.fromtimestamp(said.now, UTC).strftime("%H:%M:%S UTC")
    if said.trouble:
        state = Text(" " + "  ·  ".join(said.trouble), style="bold red", overflow="ellipsis", no_wrap=True)
    else:
        state = Text(" all well", style="green")
    grid = Table.grid(expand=True)
    grid.add_column(no_wrap=True)
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(Text.assemble((" AIOX ", "bold cyan"), (domain, "bold")), state, Text(f"{at} ", style="dim"))
    return grid


def _panel(title: str, inside: RenderableType) -> Panel:
    return Panel(inside, title=title, title_align="left", border_style="dim", box=box.ROUNDED)


def _named(rows: Sequence[tuple[str, RenderableType]]) -> Table:
    """Names on the left, figures on the right."""
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(justify="right", ratio=1, no_wrap=True)
    for name, value in rows:
        grid.add_row(name, value)
    return grid


def _throughput(said: Reckoned, turns: Sequence[float], inner: int) -> Panel:
    rows = _named(
        [
            ("turns/s", Text(number(said.turns), style="bold")),
            ("not answered/s", Text(number(said.failed), style="red" if said.failed else "")),
            ("refused by the gate/s", Text(number(said.refused))),
            ("stanzas · requests/s", Text(f"{number(said.arrivals)} · {number(said.requests)}")),
            ("tokens/s", Text(number(said.tokens))),
        ]
    )
    return _panel("throughput", Group(rows, Text(spark(turns, inner), style="cyan")))


def _latency(said: Reckoned) -> Panel:
    table = _table("", "p50", "p95", "p99")
    for name, values in said.latency.items():
        table.add_row(Text(name, style="dim"), *(seconds(value) for value in values))
    return _panel("latency", table)


def _queue(said: Reckoned, inner: int) -> Panel:
    share = said.busy / said.places if said.places else 0.0
    full = round(share * inner)
    colour = "red" if share > 0.9 else "yellow" if share > 0.7 else "green"
    rows = _named(
        [
            ("turns that wait", Text(number(said.queued), style="bold yellow" if said.queued else "bold")),
            ("the oldest for", Text(seconds(said.oldest_s if said.queued else None))),
            ("in debounce", Text(number(said.debouncing))),
            ("workers wanted", Text(number(said.wanted))),
            ("places in use", Text(f"{said.busy:.0f} of {said.places:.0f}")),
        ]
    )
    bar = Text.assemble(("█" * full, colour), ("░" * (inner - full), "dim"))
    return _panel("queue", Group(rows, bar))


def _table(*columns: str) -> Table:
    """The first column gives way where there is little room."""
    table = Table(box=None, expand=True, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    for place, name in enumerate(columns):
        table.add_column(
            name, justify="left" if place == 0 else "right", no_wrap=place > 0, ratio=1 if not place else None
        )
    return table


def _name(text: str, style: str = "") -> Text:
    """A name on one line. Never a plain string: rich would read marks in it."""
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")


def _services(said: Reckoned) -> Panel:
    table = _table("service", "CPU", "memory", "up", "state")
    for row in said.services:
        state = _name(row.state, "green" if row.state == READY else "red")
        table.add_row(_name(row.name), f"{row.cpu:.0%}", f"{row.memory / 2**20:.0f} MiB", age(row.up_s), state)
    if not said.services:
        return _panel("services", Text("none answers on this machine. Mend: aiox up", style="red"))
    return _panel("services", table)


def _workers(said: Reckoned) -> Panel:
    table = _table("worker", "status")
    for name, status in said.workers[:_ROWS]:
        table.add_row(_name(name), Text(status, style=_OF_STATUS.get(status, "red")))
    return _panel("workers", table)


def _models(said: Reckoned) -> Panel:
    table = _table("model", "calls/s", "p95", "tokens/s", "failed/s", "breaker")
    for row in said.models[:_ROWS]:
        breaker = Text(row.breaker, style=_OF_BREAKER.get(row.breaker, "bold red"))
        failed = Text(number(row.failed), style="red" if row.failed else "")
        table.add_row(_name(row.name), number(row.calls), seconds(row.p95_s), number(row.tokens), failed, breaker)
    return _panel("models", table)


def _accounts(said: Reckoned) -> Panel:
    table = _table("account", "tokens/s", "left today")
    for row in said.accounts[:_ROWS]:
        left = "-" if row.left is None else number(row.left)
        table.add_row(_name(row.owner), number(row.tokens), Text(left, style="red" if row.left == 0 else ""))
    return _panel("accounts", table)
