"""What attempts have cost that ended early."""

from __future__ import annotations

from orchestrator.spending import Spending


def test_the_workers_own_count_replaces_the_estimate_of_its_attempt() -> None:
    spending = Spending()
    first, _second = spending.cut_off(40), spending.cut_off(60)
    assert spending.total == 100
    first(55)
    assert spending.total == 115
