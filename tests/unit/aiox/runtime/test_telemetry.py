"""Spans of one message share a trace; an unsampled message makes none."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from aiox.runtime.telemetry import Telemetry


def spans(home: Path, service: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (home / "traces" / f"{service}.jsonl").read_text().splitlines()]


def test_a_span_in_another_process_belongs_to_the_trace(tmp_path: Path) -> None:
    door, hub = Telemetry("component", tmp_path), Telemetry("orchestrator", tmp_path)
    with door.root("01 stanza received", {"aiox.turn_id": "t"}) as traceparent:
        pass
    with hub.span("04 ownership", traceparent, {"aiox.turn_id": "t"}):
        pass
    door.close()
    hub.close()
    [root], [child] = spans(tmp_path, "component"), spans(tmp_path, "orchestrator")
    assert child["trace_id"] == root["trace_id"] == traceparent.split("-")[1]
    assert child["parent_id"] == root["span_id"]
    assert (root["name"], root["service"], root["pid"]) == ("01 stanza received", "component", os.getpid())
    assert child["attributes"] == {"aiox.turn_id": "t"}
    assert child["end_ns"] >= child["start_ns"]


def test_an_unsampled_message_makes_no_span(tmp_path: Path) -> None:
    hub = Telemetry("orchestrator", tmp_path)
    with hub.span("04 ownership", "") as span:
        assert not span.is_recording()
    hub.close()
    assert spans(tmp_path, "orchestrator") == []


def test_a_failing_step_still_leaves_its_span(tmp_path: Path) -> None:
    hub = Telemetry("orchestrator", tmp_path)
    with hub.root("root") as traceparent:
        pass
    with pytest.raises(RuntimeError), hub.span("10 worker", traceparent):
        raise RuntimeError("broken")
    hub.close()
    assert [span["name"] for span in spans(tmp_path, "orchestrator")] == ["root", "10 worker"]


def test_two_roots_are_two_traces(tmp_path: Path) -> None:
    door = Telemetry("component", tmp_path)
    with door.root("a") as first:
        pass
    with door.root("b") as second:
        pass
    door.close()
    assert first.split("-")[1] != second.split("-")[1]
