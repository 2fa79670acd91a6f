"""Reads the spans of one turn from AIOX_HOME/traces: its steps, and the calls of models and tools within them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aiox.runtime.steps import Step


@dataclass(frozen=True, slots=True)
class SpanRead:
    """One step of a turn. Times in milliseconds, `start_ms` since the first step began."""

    name: str
    service: str
    start_ms: float
    duration_ms: float
    correlation_id: str = ""
    """What the audit rows of the turn carry; empty for a span that does not say it."""


def read_trace(folder: Path, wanted: str) -> list[SpanRead]:
    """The spans of the turn whose correlation id, turn id or trace id is `wanted`, in order; empty when unsampled.

    A call that a step makes stands behind it, its name indented.
    """
    spans = list(_spans(folder))
    traces = {span["trace_id"] for span in spans if wanted in _ids(span)}
    found = sorted((span for span in spans if span["trace_id"] in traces), key=_place)
    if not found:
        return []
    first = min(int(span["start_ns"]) for span in found)
    return [
        SpanRead(
            name=f"   {span['name']}" if _is_call(span) else str(span["name"]),
            service=str(span["service"]),
            start_ms=(int(span["start_ns"]) - first) / 1e6,
            duration_ms=(int(span["end_ns"]) - int(span["start_ns"])) / 1e6,
            correlation_id=str(span["attributes"].get("aiox.correlation_id", "")),
        )
        for span in found
    ]


def _place(span: dict[str, Any]) -> tuple[str, bool, int]:
    """Steps by their numbers; calls behind the step that thinks, as they came."""
    call = _is_call(span)
    return Step.THOUGHT if call else str(span["name"]), call, int(span["start_ns"]) if call else 0


def _is_call(span: dict[str, Any]) -> bool:
    return span["attributes"].get("gen_ai.operation.name") in ("chat", "execute_tool")


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
