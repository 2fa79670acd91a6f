"""Figures of model calls for Prometheus (SPEC 13)."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from ai_worker.model.breaker import BreakerState
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Usage

MAX_MODELS: Final = 200
"""Agents name models as they like: beyond so many in one process the rest is counted as one, `other`."""
OTHER: Final = "other"
_OF_A_MODEL: Final = ("provider", "model")
_SECONDS: Final = (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60)
_NANO: Final = 1e9
_UNFAILED: Final = frozenset({"answered", "cancelled"})


class ModelMetrics:
    """Counts and times calls. One per process and registry."""

    def __init__(self, registry: CollectorRegistry | None = None) -> None:
        """Left out, a registry of its own: for tests."""
        kept = registry or CollectorRegistry()
        pair = _OF_A_MODEL
        self._requests = Counter("llm_requests_total", "model calls that ended", (*pair, "outcome"), registry=kept)
        self._errors = Counter("llm_errors_total", "model calls that failed", (*pair, "code"), registry=kept)
        self._timeouts = Counter("llm_timeout_total", "model calls that took too long", pair, registry=kept)
        self._tokens = Counter("llm_tokens_total", "tokens, counted or estimated", (*pair, "direction"), registry=kept)
        self._cost = Counter("llm_cost_usd_total", "estimated cost of calls whose price is known", pair, registry=kept)
        self._unpriced = Counter("llm_unpriced_total", "model calls whose cost is unknown", pair, registry=kept)
        self._latency = Histogram(
            "llm_request_latency_seconds", "time until a call ended", pair, buckets=_SECONDS, registry=kept
        )
        self._inference = Histogram(
            "aiox_llm_inference_time", "seconds of calls that answered", pair[::-1], buckets=_SECONDS, registry=kept
        )
        self._breaker = Gauge(
            "llm_circuit_breaker_state", "of the endpoint seen last: 0 closed, 1 half open, 2 open", pair, registry=kept
        )
        self._known: set[tuple[str, str]] = set()

    def called(
        self,
        provider: str,
        model: str,
        outcome: str,
        seconds: float,
        usage: Usage,
        cost_nanousd: int | None,
        trace_id: str = "",
    ) -> None:
        """A call ended: `answered`, `cancelled`, or with an error code. The trace is named beside its bucket."""
        labels = self._labels(provider, model)
        self._requests.labels(*labels, outcome).inc()
        exemplar = {"trace_id": trace_id} if trace_id else None
        self._latency.labels(*labels).observe(seconds, exemplar)
        self._tokens.labels(*labels, "input").inc(usage.input_tokens)
        self._tokens.labels(*labels, "output").inc(usage.output_tokens)
        if cost_nanousd is None:
            self._unpriced.labels(*labels).inc()
        else:
            self._cost.labels(*labels).inc(cost_nanousd / _NANO)
        if outcome == "answered":
            self._inference.labels(*labels[::-1]).observe(seconds, exemplar)
        elif outcome not in _UNFAILED:
            self._errors.labels(*labels, outcome).inc()
        if outcome == ErrorCode.TIMEOUT:
            self._timeouts.labels(*labels).inc()

    def breaker(self, provider: str, model: str, state: BreakerState) -> None:
        """How a breaker stands now."""
        self._breaker.labels(*self._labels(provider, model)).set(state)

    def _labels(self, provider: str, model: str) -> tuple[str, str]:
        pair = (provider, model)
        if pair not in self._known:
            if len(self._known) >= MAX_MODELS:
                return (OTHER, OTHER)
            self._known.add(pair)
        return pair
