"""Ids stand in labels up to a budget; beyond it they are one."""

from __future__ import annotations

from aiox.runtime.series import Series


def test_ids_beyond_the_budget_are_one() -> None:
    series = Series(most=2)
    assert [series.fold(one) for one in ("a", "b", "c", "a")] == [("a",), ("b",), ("other",), ("a",)]


def test_a_pair_is_folded_whole() -> None:
    series = Series(most=1)
    assert series.fold("agent", "owner") == ("agent", "owner")
    assert series.fold("agent", "another") == ("other", "other")


def test_a_label_that_stays_makes_series_of_its_own() -> None:
    series = Series(most=2)
    assert series.fold("a", beside="platform") == ("a",)
    assert series.fold("a", beside="model") == ("a",)
    assert series.fold("b", beside="platform") == ("other",)


def test_a_histogram_costs_its_buckets() -> None:
    series = Series(most=25, each=12)
    assert [series.fold(one)[0] for one in ("a", "b", "c")] == ["a", "b", "other"]


def test_no_budget_names_nobody() -> None:
    assert Series(most=0).fold("a") == ("other",)
