"""docs/performance.md and its pictures, made from what `python -m bench whole` has seen.

`python -m bench.whole.page` writes them, with `--check` it only compares.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from statistics import median
from typing import Final

from bench.whole import echoes, goals, growth, models, thousand
from bench.whole.asking import CLOSED
from bench.whole.options import PARTS
from bench.whole.pictures import pictures
from bench.whole.record import FOLDER, TOP, Seen, read
from setup.generated import written

DOCUMENT: Final = TOP / "docs" / "performance.md"
_TITLES: Final[Mapping[str, str]] = {
    echoes.NAME: "Echo: a bare component, SPADE and the hub",
    models.NAME: "With memory and a model of 20 ms, beside the LiteLLM proxy",
    thousand.NAME: "1,000 agents, 10,000 messages a minute",
    growth.NAME: "Growth",
}
_SAYS: Final[Mapping[str, str]] = {
    echoes.NAME: "All are asked by the same people, on one ejabberd with one archive (MAM), round by round in turn. The"
    " hub does everything it does for a message: receipt, durable admission, policy, quota, model, ledger, outbox. The"
    " others send the text back. Then each is asked at half of what the hub has carried in that round.",
    models.NAME: "The same model asked directly, through the proxy and through the hub.",
    thousand.NAME: "An open loop: messages come whether or not any was answered, and times count from the moment at"
    " which each was due.",
    growth.NAME: "Two hubs side by side are asked the same in turn; one of them grows.",
}
_INTRODUCTION: Final = """# Performance

Measured by `make bench ARGS=whole` on one machine and generated from its raw rounds in
[bench/results/whole](../bench/results/whole) by `python -m bench.whole.page`; do not edit. Figures are medians over the
rounds, with the least and the greatest in brackets. Processor time is that of all processes of a side: for the hub
component, orchestrator, AI worker, ejabberd, NATS, PostgreSQL and Redis; for its peers theirs, ejabberd and PostgreSQL.
The load generator and the model run on the same machine and are not counted.
"""
_MENDED: Final = """## What was mended on the way

- A token of the worker link is read once, not twice: 21 us of processor time for 85.
- Answers of Redis are parsed by hiredis: a third less of the call that reserves, a fifth less of the one that settles.
- Pings behind answers are gathered, at most one in 50 ms, and with them the looks at the archive and the marks in the
  outbox; the first after a pause goes at once. An agent's presence is looked at again once in two seconds for all whose
  turns have ended, not after each. Connections to the archive are not reset between looks. Together, with 60 messages
  a second: 19.6 and 20.0 ms of processor time a message for 20.8 and 20.8, PostgreSQL 4.6 for 5.5, the median answer
  after 35 and 36 ms for 40 and 41.
- Tried and left: functions of the database in PL/pgSQL (PostgreSQL keeps the plans of functions in SQL, too).

The first two were measured alone, on a busy machine; the third on a quiet one, twice before and twice after. What
remains is flat: of the orchestrator's busy samples (py-spy, 60 messages a second) a tenth are in the sending of
statements to PostgreSQL, a twentieth each in that to Redis and to the worker, and no function of ours stands out.
"""


def text(folder: Path = FOLDER) -> str:
    """The whole page; a part that was not measured is left out."""
    seen = {name: read(path) for name in PARTS if (path := folder / f"{name}.jsonl").is_file()}
    parts = [line for name, one in seen.items() for line in _part(name, one)]
    return "\n".join([_INTRODUCTION, *_goals(seen), *parts, _MENDED])


def drawn(folder: Path = FOLDER) -> dict[Path, str]:
    """The pictures, by the file in which they belong."""
    found = {}
    for name in PARTS:
        if (path := folder / f"{name}.jsonl").is_file():
            for what, picture in pictures(name, read(path)).items():
                found[folder / f"{name}-{what}.svg"] = picture
    return found


def write() -> int:
    """Writes page and pictures; with `--check` in the program's arguments returns 1 when one is out of date."""
    files = {DOCUMENT: text(), **drawn()}
    return max(written(path, partial(str, content), "bench.whole.page") for path, content in files.items())


def _goals(seen: Mapping[str, Seen]) -> list[str]:
    lines = ["## Goals", "", "| part | goal | aim | seen | |", "|---|---|---:|---:|---|"]
    lines += [_goal(goal, goal.seen(seen[goal.part])) for goal in goals.GOALS if goal.part in seen]
    if models.NAME in seen:
        beside = goals.beside_litellm(seen[models.NAME])
        lines += [f"| {models.NAME} | {what} | | {_number(value)} | |" for what, value in beside.items()]
    return [*lines, ""]


def _goal(goal: goals.Goal, value: float) -> str:
    limit = f"{'at least' if goal.least else 'at most'} {goal.goal:g} {goal.unit}"
    aim = "" if goal.aim is None else f"{goal.aim:g} {goal.unit}"
    verdict = "met" if goal.met(value) else "**missed**"
    return f"| {goal.part} | {goal.says}: {limit} | {aim} | {_number(value)} {goal.unit} | {verdict} |"


def _part(name: str, seen: Seen) -> list[str]:
    head = seen.head
    facts = {
        "machine": head["machine"],
        "commit": head["commit"],
        "began": f"{head['began']}, load average {head['load']:g} then",
        **head["facts"],
    }
    a_try = [] if head["full"] else ["**A short try, not the full figures.**", ""]
    lines = [
        f"## {_TITLES[name]}",
        "",
        _SAYS[name],
        "",
        *a_try,
        *(f"- {what}: {said}" for what, said in facts.items()),
        "",
    ]
    lines += _tables(name, seen)
    return [*lines, *(f"![{what}](../bench/results/whole/{name}-{what}.svg)" for what in pictures(name, seen)), ""]


def _tables(name: str, seen: Seen) -> list[str]:
    metrics = list(dict.fromkeys((one.metric, one.unit) for one in seen.figures if one.round))
    if name == thousand.NAME:
        rows = [
            f"| {metric} | {_number(median(seen.values(thousand.HUB, metric)))} {unit} |" for metric, unit in metrics
        ]
        return ["| | |", "|---|---:|", *rows, ""]
    sides = list(dict.fromkeys(one.side for one in seen.figures))
    lines = [f"| | {' | '.join(sides)} |", "|---|" + "---:|" * len(sides)]
    for metric, unit in metrics:
        if metric == CLOSED or "CPU of a message" in metric or " p" in metric or "," in metric:
            cells = [_cell(seen.values(side, metric)) for side in sides]
            lines.append(f"| {metric} ({unit}) | {' | '.join(cells)} |")
    return [*lines, ""]


def _cell(values: Sequence[float]) -> str:
    if not values:
        return ""
    spread = "" if len(values) == 1 else f" ({_number(min(values))} to {_number(max(values))})"
    return f"{_number(median(values))}{spread}"


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 or value == int(value) else f"{value:.2f}"


if __name__ == "__main__":
    sys.exit(write())
