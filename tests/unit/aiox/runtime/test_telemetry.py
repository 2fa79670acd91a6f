"""Spans of one message share a trace; an unsampled message makes none."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from aiox.runtime.telemetry import Telemetry, no_part, trace_id_in, trace_id_of


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


def test_a_part_belongs_to_the_span_around_it(tmp_path: Path) -> None:
    worker = Telemetry("ai_worker", tmp_path)
    with worker.root("message") as traceparent, worker.span("10 worker", traceparent) as around:
        part = worker.part("chat m", {"gen_ai.request.model": "m"})
        assert trace_id_in(part) == trace_id_of(traceparent) == trace_id_in(around)
        part.end()
    worker.close()
    by_name = {span["name"]: span for span in spans(tmp_path, "ai_worker")}
    assert by_name["chat m"]["parent_id"] == by_name["10 worker"]["span_id"]
    assert by_name["chat m"]["attributes"] == {"gen_ai.request.model": "m"}


async def test_a_generator_may_hold_a_part_whoever_asks_it_on(tmp_path: Path) -> None:
    worker = Telemetry("ai_worker", tmp_path)

    async def pieces() -> AsyncGenerator[int, None]:
        part = worker.part("chat m", {})
        try:
            yield 1
            yield 2
        finally:
            part.end()

    with worker.root("message"):
        reader = pieces()
        assert await anext(reader) == 1

    async def elsewhere() -> int:
        return await anext(reader)

    assert await asyncio.create_task(elsewhere()) == 2
    await reader.aclose()
    worker.close()
    assert [span["name"] for span in spans(tmp_path, "ai_worker")] == ["message", "chat m"]


def test_outside_of_a_sampled_turn_there_is_no_part(tmp_path: Path) -> None:
    worker = Telemetry("ai_worker", tmp_path)
    for part in (worker.part("chat m", {}), no_part("chat m", {})):
        part.set_attribute("a", 1)
        part.end()
        assert trace_id_in(part) == ""
    worker.close()
    assert spans(tmp_path, "ai_worker") == []


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-abc"])
def test_what_is_no_traceparent_names_no_trace(traceparent: str) -> None:
    assert trace_id_of(traceparent) == ""


async def test_spans_go_to_a_collector_too(tmp_path: Path) -> None:
    heard: list[ExportTraceServiceRequest] = []

    async def take(request: web.Request) -> web.Response:
        heard.append(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response()

    application = web.Application()
    application.router.add_post("/v1/traces", take)
    async with TestServer(application) as collector:
        door = Telemetry("component", tmp_path, otlp_endpoint=str(collector.make_url("/")))
        with door.root("message", {"aiox.turn_id": "t"}) as traceparent:
            pass
        await asyncio.to_thread(door.close)
    [sent] = [span for one in heard for of in one.resource_spans for scope in of.scope_spans for span in scope.spans]
    assert (sent.name, sent.trace_id.hex()) == ("message", trace_id_of(traceparent))
    named = {one.key: one.value.string_value for one in heard[0].resource_spans[0].resource.attributes}
    assert named["service.name"] == "component"
    assert [span["name"] for span in spans(tmp_path, "component")] == ["message"]


async def test_a_collector_that_is_away_costs_spans_there_and_nothing_else(tmp_path: Path) -> None:
    door = Telemetry("component", tmp_path, otlp_endpoint="http://127.0.0.1:9")
    with door.root("message"):
        pass
    await asyncio.to_thread(door.close)
    assert [span["name"] for span in spans(tmp_path, "component")] == ["message"]
