"""Figures of tool calls for Prometheus (SPEC 13)."""

from __future__ import annotations

from typing import Final

from prometheus_client import CollectorRegistry, Counter

MAX_SERIES: Final = 5000
"""Pairs of tool and agent; agents beyond that are counted as one, `other`."""
OTHER: Final = "other"


class ToolMetrics:
    """Counts calls that ran, however they ended. One per process and registry."""

    def __init__(self, registry: CollectorRegistry | None = None, most: int = MAX_SERIES) -> None:
        """Left out, a registry of its own: for tests."""
        kept = registry or CollectorRegistry()
        labels = ("tool_name", "agent_id")
        self._executed = Counter("aiox_tools_executed_total", "tool calls that were run", labels, registry=kept)
        self._known: set[tuple[str, str]] = set()
        self._most = most

    def executed(self, tool: str, agent: str) -> None:
        """A call was run."""
        if (tool, agent) not in self._known:
            if len(self._known) >= self._most:
                agent = OTHER
            else:
                self._known.add((tool, agent))
        self._executed.labels(tool, agent).inc()
