"""Turns are counted and timed by agent, up to a budget, and a bucket names the turn that fell into it."""

from __future__ import annotations

from dataclasses import replace

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from orchestrator.turn_metrics import SECONDS, TurnMetrics
from tests.metrics_table import parsed
from tests.unit.orchestrator.messages import received

TRACE = "0af7651916cd43dd8448eb211c80319c"
TRACEPARENT = f"00-{TRACE}-b7ad6b7169203331-01"
EACH = len(SECONDS) + 3


def named(registry: CollectorRegistry) -> dict[str, dict[str, str]]:
    """What each bucket names, by its upper bound."""
    encode, _ = choose_encoder("application/openmetrics-text; version=1.0.0")
    samples = [sample for family in parsed(encode(registry).decode()) for sample in family.samples]
    return {one.labels["le"]: one.exemplar.labels for one in samples if one.exemplar is not None}


def timed(registry: CollectorRegistry, agent: str, operation: str) -> float | None:
    return registry.get_sample_value("aiox_latency_seconds_count", {"agent_id": agent, "operation": operation})


def test_a_turn_is_counted_by_outcome_and_timed_by_operation() -> None:
    registry = CollectorRegistry()
    TurnMetrics(registry).concluded("answered", "a", {"platform": 12, "worker": 140, "model": 900})
    assert registry.get_sample_value("aiox_turns_total", {"outcome": "answered"}) == 1
    assert [timed(registry, "a", one) for one in ("platform", "worker", "model")] == [1, 1, 1]
    took = registry.get_sample_value("aiox_latency_seconds_sum", {"agent_id": "a", "operation": "worker"})
    assert took == 0.14


def test_a_bucket_names_the_trace_and_what_the_audit_rows_carry() -> None:
    registry, about = CollectorRegistry(), replace(received(), traceparent=TRACEPARENT)
    TurnMetrics(registry).concluded("answered", "a", {"platform": 1800}, about)
    assert named(registry) == {"2.0": {"trace_id": TRACE, "correlation_id": str(about.correlation_id)}}


def test_a_turn_without_a_trace_still_leads_to_its_audit_rows() -> None:
    registry, about = CollectorRegistry(), received()
    TurnMetrics(registry).concluded("answered", "a", {"platform": 3}, about)
    assert named(registry) == {"0.005": {"correlation_id": str(about.correlation_id)}}


def test_what_never_came_to_run_names_no_agent() -> None:
    registry = CollectorRegistry()
    metrics = TurnMetrics(registry, most=EACH)
    for _ in range(3):
        metrics.concluded("ACCESS_DENIED", "", {"refusal": 2})
    metrics.concluded("answered", "a", {"platform": 2})
    assert timed(registry, "other", "refusal") == 3
    assert timed(registry, "a", "platform") == 1


def test_agents_beyond_the_budget_are_one() -> None:
    registry = CollectorRegistry()
    metrics = TurnMetrics(registry, most=2 * EACH)
    for agent in ("a", "b", "c", "d", "a"):
        metrics.concluded("answered", agent, {"platform": 2})
    assert [timed(registry, agent, "platform") for agent in ("a", "b", "c", "other")] == [2, 1, None, 2]


def test_tokens_are_counted_by_agent_and_account() -> None:
    registry = CollectorRegistry()
    metrics = TurnMetrics(registry, most=1)
    metrics.used("a", "ann", 7)
    metrics.used("a", "ann", 5)
    metrics.used("b", "bob", 3)

    def tokens(agent: str, user: str) -> float | None:
        return registry.get_sample_value("aiox_tokens_used_total", {"agent_id": agent, "user_id": user})

    assert (tokens("a", "ann"), tokens("b", "bob"), tokens("other", "other")) == (12, None, 3)
