"""The table of metrics in docs/observability.md, and the names that expressions of PromQL use."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import text_string_to_metric_families

PAGE: Final = Path(__file__).parents[1] / "docs" / "observability.md"
_ROW: Final = re.compile(r"^\| `(\w+)` \| (\w+) \|([^|]*)\|([^|]*)\| ([^|]+) \|$", re.MULTILINE)
_NAME: Final = re.compile(r"\b(?:aiox|http|gate|llm)_[a-z0-9_]+\b")
_OURS: Final = ("aiox_", "http_", "gate_", "llm_")
_SAMPLES: Final = ("_bucket", "_sum", "_count")


@dataclass(frozen=True, slots=True)
class Row:
    """One metric as it is written down."""

    name: str
    type: str
    labels: frozenset[str]
    services: frozenset[str]

    @property
    def family(self) -> str:
        """Its name in OpenMetrics, where a counter's family lacks the ending."""
        return self.name.removesuffix("_total") if self.type == "counter" else self.name


def table() -> dict[str, Row]:
    """By name. Raises AssertionError when a name stands there twice."""
    found = _ROW.findall(PAGE.read_text())
    rows = {name: Row(name, kind, _words(labels), _words(services)) for name, kind, labels, services, _ in found}
    assert len(rows) == len(found)
    return rows


def _words(cell: str) -> frozenset[str]:
    return frozenset(re.findall(r"\w+", cell))


def parsed(text: str) -> list[Metric]:
    """The families of an exposition as OpenMetrics. Raises ValueError."""
    read: Callable[[str], Iterable[Metric]] = text_string_to_metric_families
    return list(read(text))


def is_ours(name: str) -> bool:
    return name.startswith(_OURS)


def named_in(expression: str) -> set[str]:
    """The metrics of ours that an expression reads."""
    found = set()
    for name in _NAME.findall(re.sub(r'"[^"]*"', "", expression)):
        ending = next((ending for ending in _SAMPLES if name.endswith(ending)), "")
        found.add(name if name in table() else name.removesuffix(ending))
    return found
