"""Figures of tool calls for Prometheus (SPEC 13)."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from aiox.runtime.series import BUDGET, Series


class ToolMetrics:
    """Counts calls that ran, however they ended. One per process and registry."""

    def __init__(self, registry: CollectorRegistry | None = None, most: int = BUDGET) -> None:
        """Left out, a registry of its own: for tests."""
        kept = registry or CollectorRegistry()
        labels = ("tool_name", "agent_id")
        self._executed = Counter("aiox_tools_executed_total", "tool calls that were run", labels, registry=kept)
        self._agents = Series(most)

    def executed(self, tool: str, agent: str) -> None:
        """A call was run."""
        self._executed.labels(tool, *self._agents.fold(agent, beside=tool)).inc()
