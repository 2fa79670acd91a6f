"""Reads the spans of one turn from AIOX_HOME/traces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class SpanRead:
    """One step of a turn. Times in milliseconds, `start_ms` since the first step began."""

    name: str
    service: str
    start_ms: float
    duration_ms: float


def read_trace(folder: Path, wanted: str) -> list[SpanRead]:
    """The spans of the turn whose correlation id, turn id or trace id is `wanted`, in order; empty when unsampled."""
    spans = list(_spans(folder))
    traces = {span["trace_id"] for span in spans if wanted in _ids(span)}
    found = sorted((span for span in spans if span["trace_id"] in traces), key=lambda span: str(span["name"]))
    if not found:
        return []
    first = min(int(span["start_ns"]) for span in found)
    return [
        SpanRead(
            name=str(span["name"]),
            service=str(span["service"]),
            start_ms=(int(span["start_ns"]) - first) / 1e6,
            duration_ms=(int(span["end_ns"]) - int(span["start_ns"])) / 1e6,
        )
        for span in found
    ]


def _ids(span: dict[str, Any]) -> tuple[object, ...]:
    attributes = span["attributes"]
    return span["trace_id"], attributes.get("aiox.turn_id"), attributes.get("aiox.correlation_id")


def _spans(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.glob("*.jsonl*")):  # those put aside, too
        with path.open() as lines:
            for line in lines:
                # The last line may still be written, and one may have been cut off by a crash.
                with suppress(json.JSONDecodeError):
                    yield json.loads(line)
