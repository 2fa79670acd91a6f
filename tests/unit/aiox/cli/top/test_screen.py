"""The screen fits terminals wide and narrow, shows what is wrong first, and says when there is nothing to show."""

from __future__ import annotations

from dataclasses import replace
from io import StringIO

import pytest
from rich.console import Console

from aiox.cli.top.look import Look, Seen
from aiox.cli.top.reckon import AccountRow, ModelRow, Reckoned, ServiceRow, reckon
from aiox.cli.top.screen import age, number, screen, seconds, spark

BUSY = replace(
    reckon(Look(0, 0), Look(1, 1_800_000_000.0)),
    services=[ServiceRow("orchestrator", "ready", 0.42, 109 * 2**20, 7200.0)],
    workers=[("worker-8084", "healthy")],
    models=[ModelRow("openai/stub", 12.0, 3400.0, 0.21, 0.0, "closed")],
    accounts=[AccountRow("7c9e6679-7425-40de-944b-e07fc1f90ae7", 340.0, 12_000.0)],
    turns=123.4,
    latency={"platform": (0.006, 0.012, 0.02), "model": (0.2, 0.9, 1.4)},
    busy=6.0,
    places=8.0,
    trouble=[],
)


def drawn(said: Reckoned, width: int) -> str:
    console = Console(width=width, file=StringIO())
    with console.capture() as captured:
        console.print(screen(said, [1.0, 2.0, 3.0], "localhost", width))
    return captured.get()


@pytest.mark.parametrize("width", [60, 80, 100, 160])
def test_every_figure_has_its_place_and_no_line_is_too_long(width: int) -> None:
    text = drawn(BUSY, width)
    for wanted in ("localhost", "123", "6 ms", "1.4 s", "6 of 8", "orchestrator", "healthy", "openai/stub", "12.0k"):
        assert wanted in text
    assert max(map(len, text.splitlines())) <= width
    assert "all well" in text


def test_marks_in_the_name_of_a_model_are_letters() -> None:
    named = replace(BUSY, models=[ModelRow("[red]openai[/]/m", 1.0, 1.0, None, 0.0, "closed")])
    assert "[red]openai[/]/m" in drawn(named, 160)


def test_what_is_wrong_stands_at_the_top() -> None:
    text = drawn(replace(BUSY, trouble=["no healthy worker"]), 100)
    assert "no healthy worker" in text.splitlines()[0]
    assert "all well" not in text


def test_a_hub_that_is_away_says_how_to_start_it() -> None:
    assert "aiox up" in drawn(reckon(Look(0, 0), Look(1, 1)), 100)


def test_a_service_that_is_not_ready_says_what_it_lacks() -> None:
    ill = Look(1, 1, [Seen("gateway", 1, "Redis does not answer")])
    assert "Redis does not answer" in drawn(reckon(ill, ill), 160)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (0.25, "0.2"), (7, "7"), (123.4, "123"), (12_345, "12.3k"), (3e6, "3.0M"), (2e9, "2.0G")],
)
def test_numbers_are_short(value: float, words: str) -> None:
    assert number(value) == words


@pytest.mark.parametrize(("value", "words"), [(None, "-"), (0.0064, "6 ms"), (0.9, "900 ms"), (1.25, "1.2 s")])
def test_times_say_their_unit(value: float | None, words: str) -> None:
    assert seconds(value) == words


@pytest.mark.parametrize(("value", "words"), [(5, "5 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")])
def test_ages_are_rough(value: float, words: str) -> None:
    assert age(value) == words


def test_a_chart_is_as_wide_as_asked_and_its_highest_bar_is_full() -> None:
    assert spark([1, 2, 4], 5) == "  ▂▄█"
    assert spark([0, 0], 2) == "  "
    assert spark(range(100), 10)[-1] == "█"
    assert len(spark(range(100), 10)) == 10
