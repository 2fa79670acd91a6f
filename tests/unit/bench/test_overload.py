"""How the overload's figures are made of samples."""

from __future__ import annotations

import math
from dataclasses import replace

from bench.load.fleet import Sample
from bench.overload import _in_silence, _starved, _throughput, _until_calm


def sample(at: float, took: float | None = 0.1, error: str = "", agent: int = 0) -> Sample:
    answered = None if took is None else at + took
    return Sample("id", 0, agent, at, at, at, answered, error)


def test_latency_counts_from_the_scheduled_time_and_is_infinite_without_an_answer() -> None:
    late = replace(sample(1.0), sent=5.0, answered=5.1)
    assert round(late.latency_ms) == 4100
    assert sample(1.0, None).latency_ms == math.inf


def test_throughput_leaves_the_first_fifth_out_and_what_comes_too_late() -> None:
    samples = [*(sample(at / 10) for at in range(100)), sample(9.99, 5.0)]
    assert _throughput(samples, 10) == 10.0


def test_a_conversation_is_starved_that_asked_four_times_and_got_no_answer() -> None:
    refused = [sample(at, None, "HUB_BUSY", agent=1) for at in range(4)]
    assert _starved([sample(0, None), sample(1), *refused]) == 1
    assert _starved([*refused[:3], sample(9, None, agent=2)]) == 0
    assert _starved([*refused, sample(9, agent=1)]) == 0


def test_a_refusal_is_not_silence() -> None:
    assert [_in_silence(one) for one in (sample(0), sample(0, None, "HUB_BUSY"), sample(0, None))] == [
        False,
        False,
        True,
    ]


def test_calm_begins_after_the_last_late_answers() -> None:
    after = [*(sample(20 + at / 10, 1.0) for at in range(30)), *(sample(23 + at / 10) for at in range(70))]
    assert round(_until_calm(after, 100, 20), 1) == 2.9
    assert _until_calm([sample(21)], 100, 20) == 0
    assert _until_calm([sample(21, None)], 100, 20) == math.inf
