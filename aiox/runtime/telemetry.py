"""One OpenTelemetry trace per sampled turn; each span is made by the process that does the step.

Spans are written as JSON lines to `AIOX_HOME/traces/<service>.jsonl`, and sent to a collector where the settings name
one. Unsampled turns carry an empty traceparent and make no spans at all (a span costs about 20 us). A file beyond 32
MiB is put aside once, as `.1`.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.trace import INVALID_SPAN, Span, get_current_span
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from aiox.runtime.settings import Settings

_FILE_BYTES: Final = 32 << 20
_OTLP_S: Final = 2
"""How long one delivery to the collector may take: a stop waits for the last one."""
_PROPAGATOR = TraceContextTextMapPropagator()
Attributes = Mapping[str, str | int | float | bool]


Part = Callable[[str, Attributes], Span]
"""Begins a span inside the one that this task is in: `Telemetry.part`."""


def no_part(_name: str, _attributes: Attributes) -> Span:
    """No span."""
    return INVALID_SPAN


def trace_id_in(span: Span) -> str:
    """The trace that a span belongs to, 32 hex digits; empty for no span."""
    context = span.get_span_context()
    return f"{context.trace_id:032x}" if context.is_valid else ""


def trace_id_of(traceparent: str) -> str:
    """The trace that a traceparent names (W3C Trace Context), 32 hex digits; empty for an unsampled turn."""
    parts = traceparent.split("-")
    return parts[1] if len(parts) == 4 else ""


class _JsonLines(SpanExporter):
    def __init__(self, path: Path, service: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self._file = path.open("a")
        self._service = service

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        for span in spans:
            context = span.get_span_context()
            line = {
                "service": self._service,
                "pid": os.getpid(),
                "name": span.name,
                "trace_id": f"{context.trace_id:032x}" if context else "",
                "span_id": f"{context.span_id:016x}" if context else "",
                "parent_id": f"{span.parent.span_id:016x}" if span.parent else "",
                "start_ns": span.start_time,
                "end_ns": span.end_time,
                "attributes": dict(span.attributes or {}),
            }
            self._file.write(json.dumps(line) + "\n")
        self._file.flush()
        if self._file.tell() > _FILE_BYTES:
            self._file.close()
            self._path.replace(self._path.with_suffix(".jsonl.1"))
            self._file = self._path.open("a")
        return SpanExportResult.SUCCESS

    def shutdown(self) -> None:
        self._file.close()


def _collector(endpoint: str) -> SpanExporter:
    """Sends spans to a collector. One that is away costs spans there, nothing else; the files have them."""
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=_OTLP_S)


class Telemetry:
    """Makes spans for this process."""

    def __init__(self, service: str, home: Path, delay_ms: int = 200, otlp_endpoint: str = "") -> None:
        """`otlp_endpoint` is the base URL of a collector that takes OTLP over HTTP; empty: none."""
        self._provider = TracerProvider(resource=Resource.create({"service.name": service}))
        exporter = _JsonLines(home / "traces" / f"{service}.jsonl", service)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=delay_ms))
        if otlp_endpoint:
            self._provider.add_span_processor(BatchSpanProcessor(_collector(otlp_endpoint)))
        self._tracer = self._provider.get_tracer("aiox")

    @classmethod
    def of(cls, service: str, settings: Settings) -> Telemetry:
        """As the settings say."""
        return cls(service, settings.home, otlp_endpoint=settings.telemetry.otlp_endpoint)

    @contextmanager
    def root(self, name: str, attributes: Attributes | None = None) -> Iterator[str]:
        """Starts a trace; yields its traceparent."""
        with self._tracer.start_as_current_span(name, attributes=attributes):
            carrier: dict[str, str] = {}
            _PROPAGATOR.inject(carrier)
            yield carrier.get("traceparent", "")

    @contextmanager
    def span(self, name: str, traceparent: str, attributes: Attributes | None = None) -> Iterator[Span]:
        """A span in the trace that `traceparent` names; nothing at all when it is empty."""
        if not traceparent:
            yield INVALID_SPAN
            return
        context = _PROPAGATOR.extract({"traceparent": traceparent})
        with self._tracer.start_as_current_span(name, context=context, attributes=attributes) as span:
            yield span

    def part(self, name: str, attributes: Attributes | None = None) -> Span:
        """A span inside the one that this task is in, for its caller to end; nothing at all outside of any.

        It does not become the current one, so that a generator may hold it, whoever asks the generator on.
        """
        if not get_current_span().is_recording():
            return INVALID_SPAN
        return self._tracer.start_span(name, attributes=attributes)

    def close(self) -> None:
        """Writes what is left."""
        self._provider.shutdown()
