"""Processor time of the parts of a stack: each process with all that it has started."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TICKS: Final = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class _Seen:
    parent: int
    seconds: float
    """Its own, and of children that have ended."""


def used(roots: Mapping[str, int], proc: Path = Path("/proc")) -> dict[str, float]:
    """Seconds so far of each part, named by its first process. Raises ProcessLookupError when one of these is gone."""
    seen = _seen(proc)
    children: dict[int, list[int]] = defaultdict(list)
    for pid, one in seen.items():
        children[one.parent].append(pid)
    return {name: _of_tree(pid, name, seen, children) for name, pid in roots.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Seconds of each part between two looks."""
    return {name: after[name] - before[name] for name in before}


def _of_tree(root: int, name: str, seen: Mapping[int, _Seen], children: Mapping[int, list[int]]) -> float:
    if root not in seen:
        raise ProcessLookupError(f"{name} (process {root}) has ended")
    total, waiting = 0.0, [root]
    while waiting:
        pid = waiting.pop()
        total += seen[pid].seconds
        waiting += children.get(pid, [])
    return total


def _seen(proc: Path) -> dict[int, _Seen]:
    found = {}
    for folder in proc.iterdir():
        if not folder.name.isdigit():
            continue
        try:
            text = (folder / "stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue  # it has ended meanwhile
        fields = text.rpartition(")")[2].split()  # from the state on: the name before may hold anything
        ticks = sum(int(field) for field in fields[11:15])  # utime, stime, cutime, cstime
        found[int(folder.name)] = _Seen(int(fields[1]), ticks / _TICKS)
    return found
