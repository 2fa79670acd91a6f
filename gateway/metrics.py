"""HTTP figures for Prometheus (SPEC 13). Labels are routes, never addresses."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram


class HttpMetrics:
    """Counts and times requests. One per process and registry."""

    def __init__(self, registry: CollectorRegistry) -> None:
        labels = ("method", "route", "status")
        self._requests = Counter("http_requests_total", "requests answered", labels, registry=registry)
        self._seconds = Histogram(
            "http_request_duration_seconds", "time until an answer began", labels, registry=registry
        )
        self._limited = Counter(
            "http_requests_rate_limited_total", "requests refused for their rate", ("route",), registry=registry
        )

    def answered(self, method: str, route: str, status: int, seconds: float) -> None:
        """One request was answered after `seconds`."""
        self._requests.labels(method, route, str(status)).inc()
        self._seconds.labels(method, route, str(status)).observe(seconds)
        if status == 429:
            self._limited.labels(route).inc()
