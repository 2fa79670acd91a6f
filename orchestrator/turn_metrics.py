"""Figures of turns for Prometheus (SPEC 13). Counted when a turn is written, so that no second attempt counts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram

from aiox.kernel.envelope import Envelope, MessageReceived
from aiox.runtime.series import BUDGET, OTHER, Series
from aiox.runtime.telemetry import trace_id_of

SECONDS: Final = (0.005, 0.015, 0.05, 0.135, 0.5, 1, 2, 5, 10, 30)
"""Buckets; 15 and 135 ms are the goals of SPEC 15."""
_EACH: Final = len(SECONDS) + 3
"""Time series of one histogram: its buckets, the one without an end, sum and count."""


class TurnMetrics:
    """Counts and times turns. One per process and registry; `most` time series of a metric name agents or accounts."""

    def __init__(self, registry: CollectorRegistry | None = None, most: int = BUDGET) -> None:
        """Left out, a registry of its own: for tests."""
        kept = registry or CollectorRegistry()
        self._turns = Counter("aiox_turns_total", "turns that were concluded", ("outcome",), registry=kept)
        pair = ("agent_id", "user_id")
        self._tokens = Counter("aiox_tokens_used_total", "tokens, input and output", pair, registry=kept)
        self._latency = Histogram(
            "aiox_latency_seconds", "what turns took", ("agent_id", "operation"), buckets=SECONDS, registry=kept
        )
        self._pairs, self._agents = Series(most), Series(most, _EACH)

    def concluded(
        self, outcome: str, agent: str, took_ms: Mapping[str, int], about: Envelope[MessageReceived] | None = None
    ) -> None:
        """A turn was written. `took_ms` are milliseconds by operation; empty `agent`: it never came to run.

        `about` is named beside the buckets: by its trace, if it has one, and by what its audit rows carry.
        """
        self._turns.labels(outcome).inc()
        for operation, ms in took_ms.items():
            label = self._agents.fold(agent, beside=operation)[0] if agent else OTHER
            self._latency.labels(label, operation).observe(ms / 1000, _exemplar(about))

    def used(self, agent: str, owner: str, tokens: int) -> None:
        """Tokens were settled."""
        self._tokens.labels(*self._pairs.fold(agent, owner)).inc(tokens)


def _exemplar(about: Envelope[MessageReceived] | None) -> dict[str, str] | None:
    """At most 128 characters, as OpenMetrics has it."""
    if about is None:
        return None
    trace = trace_id_of(about.traceparent)
    return {**({"trace_id": trace} if trace else {}), "correlation_id": str(about.correlation_id)}
