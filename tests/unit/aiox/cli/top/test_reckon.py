"""What two looks say together: rates of processes that were there both times, percentiles, troubles."""

from __future__ import annotations

import pytest

from aiox.cli.top.look import READY, Figure, Look, Seen, ours, read
from aiox.cli.top.reckon import Between, quantile, reckon


def hub(at: float, *seen: Seen) -> Look:
    return Look(at, 1000.0 + at, seen)


def orchestrator(*figures: Figure, instance: int = 1, state: str = READY) -> Seen:
    return Seen("orchestrator", instance, state, figures)


def turns(value: float, outcome: str = "answered") -> Figure:
    return "aiox_turns_total", {"outcome": outcome}, value


HEALTHY: Figure = ("aiox_python_worker_health", {"worker_id": "w", "status": "healthy"}, 1.0)


def test_rates_are_sums_over_processes_that_were_there_both_times() -> None:
    before = hub(0, orchestrator(turns(10)), orchestrator(turns(5), instance=2))
    after = hub(2, orchestrator(turns(30)), orchestrator(turns(9), instance=2), orchestrator(turns(1000), instance=3))
    assert Between(before, after).rate("aiox_turns_total") == (20 + 4) / 2


def test_a_process_that_started_anew_takes_nothing_away() -> None:
    before, after = hub(0, orchestrator(turns(100))), hub(1, orchestrator(turns(3)))
    assert Between(before, after).rate("aiox_turns_total") == 0


@pytest.mark.parametrize(
    ("share", "expected"), [(0.0, 0.0), (0.25, 0.05), (0.5, 0.1), (0.75, 0.6625), (0.9, 1.0), (0.99, 1.0)]
)
def test_a_percentile_lies_within_its_bucket_as_prometheus_has_it(share: float, expected: float) -> None:
    buckets = [(0.1, 50.0), (1.0, 100.0 * 0.5 + 50.0 * 0.8), (float("inf"), 100.0)]
    found = quantile(share, buckets)
    assert found == pytest.approx(expected, abs=0.001)


def test_no_observation_has_no_percentile() -> None:
    assert quantile(0.5, []) is None
    assert quantile(0.5, [(1.0, 0.0), (float("inf"), 0.0)]) is None


def test_a_screen_of_a_busy_hub() -> None:
    def buckets(fast: float, all_of_them: float) -> tuple[Figure, ...]:
        labels = {"agent_id": "a", "operation": "platform"}
        return (
            ("aiox_latency_seconds_bucket", {**labels, "le": "0.1"}, fast),
            ("aiox_latency_seconds_bucket", {**labels, "le": "+Inf"}, all_of_them),
        )

    quota: Figure = ("aiox_quota_remaining", {"user_id": "ann"}, 700.0)
    before = hub(0, orchestrator(turns(0), turns(0, "TIMEOUT"), HEALTHY, *buckets(0, 0)))
    now = (turns(8), turns(2, "TIMEOUT"), HEALTHY, *buckets(10, 10), quota, ("aiox_queue_depth", {}, 3.0))
    said = reckon(before, hub(2, orchestrator(*now)))
    assert (said.turns, said.failed, said.queued) == (5.0, 1.0, 3.0)
    half, most, _ = said.latency["platform"]
    assert half == pytest.approx(0.05)
    assert most == pytest.approx(0.095)
    assert said.latency["model"] == (None, None, None)
    assert said.workers == [("w", "healthy")]
    assert [(row.owner, row.tokens, row.left) for row in said.accounts] == [("ann", 0.0, 700.0)]
    assert said.trouble == []


def test_accounts_that_use_most_come_first_then_those_with_least_left() -> None:
    def used(owner: str, tokens: float) -> Figure:
        return "aiox_tokens_used_total", {"agent_id": "x", "user_id": owner}, tokens

    left = [("aiox_quota_remaining", {"user_id": owner}, value) for owner, value in (("c", 9.0), ("d", 1.0))]
    before = hub(0, orchestrator(used("a", 0), used("b", 0)))
    said = reckon(before, hub(1, orchestrator(used("a", 5), used("b", 50), *left)))
    assert [row.owner for row in said.accounts] == ["b", "a", "d", "c"]


def test_troubles_are_said_in_words() -> None:
    before = hub(0, orchestrator(HEALTHY, ("aiox_database_timeouts_total", {}, 1.0)), orchestrator(instance=2))
    ill: tuple[Figure, ...] = (
        ("aiox_python_worker_health", {"worker_id": "w", "status": "healthy"}, 0.0),
        ("aiox_python_worker_health", {"worker_id": "w", "status": "unavailable"}, 1.0),
        ("llm_circuit_breaker_state", {"provider": "openai", "model": "m"}, 2.0),
        ("aiox_dead_letters_total", {}, 1.0),
        ("aiox_stuck_conversations", {}, 2.0),
        ("aiox_database_timeouts_total", {}, 4.0),
    )
    said = reckon(before, hub(1, orchestrator(*ill, state="NATS is away")))
    words = "\n".join(said.trouble)
    for wanted in (
        "orchestrator-2 does not answer",
        "NATS is away",
        "no healthy worker",
        "openai/m",
        "start, 1:",
        "3 given up",
    ):
        assert wanted in words
    assert len(said.trouble) == 7


@pytest.mark.parametrize(
    ("there", "counted"), [([1, 2], [1, 2]), ([1, 3], [1, 3]), ([2], [2]), ([1, 4], [1]), ([10], [])]
)
def test_what_answers_behind_a_gap_is_another_hubs(there: list[int], counted: list[int]) -> None:
    answers = [orchestrator(instance=number) if number in there else None for number in range(1, 11)]
    assert [one.instance for one in ours(answers)] == counted


def test_a_model_named_by_an_owner_moves_no_cursor() -> None:
    [(_, labels, _)] = read('# TYPE a counter\na_total{model="m\x1b[2J"} 3\n')
    assert labels == {"model": "m[2J"}


def test_an_exposition_is_read() -> None:
    text = '# TYPE a counter\na_total{x="1"} 3\n# TYPE b gauge\nb 0.5\n'
    assert read(text) == [("a_total", {"x": "1"}, 3.0), ("b", {}, 0.5)]
