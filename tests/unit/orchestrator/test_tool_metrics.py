"""How many tool calls were run, by tool and agent."""

from __future__ import annotations

from prometheus_client import CollectorRegistry

from orchestrator.tool_metrics import ToolMetrics


def test_calls_are_counted_and_agents_beyond_the_budget_are_one() -> None:
    registry = CollectorRegistry()
    metrics = ToolMetrics(registry, most=2)
    for agent in ("a", "a", "b", "c", "d", "a"):
        metrics.executed("http_request", agent)

    def count(agent: str) -> float | None:
        return registry.get_sample_value("aiox_tools_executed_total", {"tool_name": "http_request", "agent_id": agent})

    assert (count("a"), count("b"), count("c"), count("other")) == (3, 1, None, 2)
