"""Answers are confirmed in lots, and introductions on their own: nobody waits for what is not theirs."""

from __future__ import annotations

from pathlib import Path

import pytest

from aiox.kernel.envelope import INTRODUCTION
from component import outbox as module
from tests.unit.component.fakes import settle
from tests.unit.component.test_outbox import passes, room


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_AGAIN_S", (0.0,))
    monkeypatch.setattr(module, "RETRY_S", 0.005)


@pytest.mark.parametrize(("gather_s", "pings"), [(0.2, 1), pytest.param(0.0, 3, marks=pytest.mark.control)])
async def test_answers_of_a_moment_share_a_ping_behind_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gather_s: float, pings: int
) -> None:
    monkeypatch.setattr(module, "GATHER_S", gather_s)
    async with room(tmp_path) as it:
        it.link.pong.set()
        it.announce(1)
        await settle()
        assert it.table.marked == [1], "nobody was before it, so it does not wait"
        for number in (2, 3, 4):
            it.announce(number)
            await settle()
        await passes(0.3)
        assert it.table.marked == [1, 2, 3, 4]
        assert it.link.confirms == 1 + pings


@pytest.mark.parametrize(
    ("at_once", "answered"), [(module.INTRODUCTIONS, True), pytest.param(10_000, False, marks=pytest.mark.control)]
)
async def test_introductions_that_take_their_time_hold_up_no_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, at_once: int, answered: bool
) -> None:
    monkeypatch.setattr(module, "INTRODUCTIONS", at_once)
    async with room(tmp_path) as it:
        it.link.pong.set()
        for number in range(1, module.UNDER_WAY + 100):
            it.announce(number, kind=INTRODUCTION)
        await settle()
        it.announce(5000)
        await passes()
        assert (it.table.marked == [5000]) is answered
        it.link.entered.set()
        await passes(0.5)
        assert len(it.table.marked) == module.UNDER_WAY + 100
