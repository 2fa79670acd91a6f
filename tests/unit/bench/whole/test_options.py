"""The full figures are what is measured unless something smaller is asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.whole.options import PARTS, Options, asked


def test_the_full_figures_are_those_of_the_goals() -> None:
    full = asked([])
    assert full.full
    assert full.parts == PARTS
    assert (full.agents, full.per_minute, full.thousand_seconds) == (1000, 10_000, 300)
    assert (full.many_agents, full.many_memories) == (100_000, 1_000_000)


@pytest.mark.parametrize("words", [["--seconds", "3"], ["--small"], ["--rounds", "1"]])
def test_anything_smaller_is_a_try(words: list[str]) -> None:
    assert not asked(words).full


def test_seconds_are_those_of_every_loop() -> None:
    short = asked(["--parts", "thousand", "--seconds", "7", "--folder", "/nowhere"])
    assert (short.seconds, short.thousand_seconds) == (7, 7)
    assert (short.parts, short.folder) == (["thousand"], Path("/nowhere"))


def test_a_part_that_there_is_not_is_refused() -> None:
    with pytest.raises(SystemExit):
        asked(["--parts", "everything"])


def test_more_than_the_full_figures_is_full() -> None:
    assert Options(rounds=9).full
