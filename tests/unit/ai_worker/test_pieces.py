"""What a model says is gathered: a few messages a second, whoever reads them, and nothing is lost to who does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from ai_worker.pieces import LIVE_S, UNSEEN_S, Pieces


class Timer:
    def __init__(self) -> None:
        self.cancelled = False

    def cancel(self) -> None:
        self.cancelled = True


class Loop:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 100.0
        self.due: list[tuple[float, Callable[[], None], Timer]] = []

    def time(self) -> float:
        return self.now

    def call_at(self, when: float, what: Callable[[], None]) -> Timer:
        timer = Timer()
        self.due.append((when, what, timer))
        return timer

    def pass_by(self, seconds: float) -> None:
        self.now += seconds
        for when, what, timer in list(self.due):
            if when <= self.now and not timer.cancelled:
                self.due.remove((when, what, timer))
                what()


def pieces(loop: Loop, shown: list[str], *, live: bool) -> Pieces:
    return Pieces(shown.append, cast(asyncio.AbstractEventLoop, loop), live=live)


def test_the_first_piece_that_is_read_goes_at_once_and_the_others_together() -> None:
    loop, shown = Loop(), list[str]()
    with pieces(loop, shown, live=True) as said:
        for word in ("one ", "two ", "three "):
            said.say(word)
        assert shown == ["one "]
        loop.pass_by(LIVE_S)
        assert shown == ["one ", "two three "]
        said.say("four")
    assert "".join(shown) == "one two three four", "what is left at the end is shown"


def test_what_nobody_reads_goes_a_few_times_a_second() -> None:
    loop, shown = Loop(), list[str]()
    with pieces(loop, shown, live=False) as said:
        for _ in range(100):
            said.say("x")
            loop.pass_by(0.01)
        assert len(shown) <= 1.0 / UNSEEN_S
        assert "".join(shown) == "x" * (25 * len(shown))


@pytest.mark.parametrize("live", [True, False])
def test_a_model_that_stops_in_the_middle_has_said_what_it_said(live: bool) -> None:
    """So the hub knows what a turn has cost whose worker dies."""
    loop, shown = Loop(), list[str]()
    with pieces(loop, shown, live=live) as said:
        said.say("half ")
        said.say("an answer")
        loop.pass_by(UNSEEN_S)
        assert "".join(shown) == "half an answer"


def test_nothing_comes_after_the_end() -> None:
    loop, shown = Loop(), list[str]()
    with pieces(loop, shown, live=False) as said:
        said.say("word")
    loop.pass_by(10)
    assert shown == []
