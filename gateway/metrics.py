"""What the door counts, for Prometheus (SPEC 13). Labels are routes, never addresses."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from aiox.kernel.ids import OwnerId
from aiox.runtime.series import BUDGET, Series


class AgentMetrics:
    """Counts agents that are made at this door, and in chats, whose commands it does. The shell counts none."""

    def __init__(self, registry: CollectorRegistry, most: int = BUDGET) -> None:
        """`most` time series name accounts."""
        self._created = Counter("aiox_agents_created_total", "agents that were made", ("user_id",), registry=registry)
        self._owners = Series(most)

    def created(self, owner: OwnerId) -> None:
        """One was made for this account."""
        self._created.labels(*self._owners.fold(str(owner))).inc()


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
