"""The whole of governance is measured on counters that count, and a message that is not let through is no figure."""

from __future__ import annotations

import os

import pytest

from bench.decision_beside_cedarpy import _RULES, facts_of
from bench.governed_message import cpu_of, governed
from policy.cedar.judge import Policies, hub_level
from policy.cedar.level import Level


async def test_every_message_is_reserved_and_settled() -> None:
    level = hub_level(1, _RULES)
    assert isinstance(level, Level)
    async with governed(Policies([level]), [facts_of(number) for number in range(3)]) as side:
        assert [figure.metric for figure in await side.measure()] == ["decisions", "CPU of one"]
        assert side.quotas.open == {}


async def test_a_message_that_is_not_let_through_is_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    level = hub_level(1, _RULES)
    assert isinstance(level, Level)
    monkeypatch.setattr("bench.governed_message._PLENTY", 10)
    async with governed(Policies([level]), [facts_of(1)]) as side:
        with pytest.raises(RuntimeError, match="not reserved"):
            await side.measure()


def test_the_processor_time_of_a_process_is_counted() -> None:
    before = cpu_of(os.getpid())
    sum(range(3_000_000))
    assert cpu_of(os.getpid()) >= before >= 0
