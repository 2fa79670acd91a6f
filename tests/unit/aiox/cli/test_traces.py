from __future__ import annotations

import json
from pathlib import Path

from aiox.cli.traces import read_trace


def span(name: str, trace: str, start_ms: float, **attributes: str) -> str:
    start = int(start_ms * 1e6)
    return json.dumps(
        {
            "service": "component",
            "name": name,
            "trace_id": trace,
            "start_ns": start,
            "end_ns": start + 2_000_000,
            "attributes": attributes,
        }
    )


def test_one_turn_in_order_of_its_steps(tmp_path: Path) -> None:
    lines = [span("03 admitted", "t1", 12.0), span("01 received", "t1", 10.0, **{"aiox.correlation_id": "c1"})]
    other = span("01 received", "t2", 1.0, **{"aiox.correlation_id": "c2"})
    (tmp_path / "component.jsonl").write_text("\n".join([*lines, other]) + "\n")
    found = read_trace(tmp_path, "c1")
    assert [(one.name, one.start_ms, one.duration_ms) for one in found] == [
        ("01 received", 0.0, 2.0),
        ("03 admitted", 2.0, 2.0),
    ]
    assert read_trace(tmp_path, "t1") == found


def test_an_unknown_id_and_a_half_written_line(tmp_path: Path) -> None:
    (tmp_path / "component.jsonl").write_text(span("01 received", "t1", 1.0) + "\n" + '{"service": "comp')
    assert read_trace(tmp_path, "c9") == []


def test_spans_that_were_put_aside_are_found(tmp_path: Path) -> None:
    (tmp_path / "component.jsonl.1").write_text(span("01 received", "t1", 1.0) + "\n")
    (tmp_path / "component.jsonl").write_text(span("03 admitted", "t1", 2.0) + "\n")
    assert [one.name for one in read_trace(tmp_path, "t1")] == ["01 received", "03 admitted"]


def test_calls_stand_behind_the_step_that_makes_them_as_they_came(tmp_path: Path) -> None:
    def call(name: str, kind: str, at: float) -> str:
        return span(name, "t1", at, **{"gen_ai.operation.name": kind})

    lines = [
        call("chat m", "chat", 9.0),
        span("14 settled", "t1", 12.0),
        call("execute_tool a", "execute_tool", 5.0),
        span("10 worker", "t1", 4.0, **{"gen_ai.operation.name": "invoke_agent", "aiox.correlation_id": "c1"}),
        call("chat m", "chat", 4.5),
    ]
    (tmp_path / "ai_worker.jsonl").write_text("\n".join(lines) + "\n")
    found = read_trace(tmp_path, "t1")
    assert [one.name for one in found] == ["10 worker", "   chat m", "   execute_tool a", "   chat m", "14 settled"]
    assert found[0].correlation_id == "c1"
