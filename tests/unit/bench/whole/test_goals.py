"""What is met and what is missed, of figures that are known."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.whole import echoes, growth, models, thousand
from bench.whole.goals import GOALS, beside_litellm
from bench.whole.record import read
from tests.unit.bench.whole.seen import all_parts


def verdicts(folder: Path) -> dict[str, tuple[float, bool]]:
    found = {}
    for goal in GOALS:
        value = goal.seen(read(folder / f"{goal.part}.jsonl"))
        found[goal.says] = (round(value, 6), goal.met(value))
    return found


def test_a_hub_that_reaches_all_goals(tmp_path: Path) -> None:
    all_parts(tmp_path)
    assert verdicts(tmp_path) == {
        "messages/s beside the bare component": (0.6, True),
        "added p50 at half load": (4.0, True),
        "added p99 at half load": (16.0, False),
        "lost or refused": (0.0, True),
        "platform p50": (9.0, True),
        "worker p50 without the model's time": (9.0, True),
        "CPU of a message with many agents": (1.0, True),
        "CPU of a message with many agents and memories": (1.05, True),
    }


def test_what_is_worse_than_its_goal_is_missed(tmp_path: Path) -> None:
    all_parts(tmp_path, share=0.49, lost=1, grown=1.2)
    missed = {says for says, (_, met) in verdicts(tmp_path).items() if not met}
    assert missed == {
        "messages/s beside the bare component",
        "added p99 at half load",
        "lost or refused",
        "CPU of a message with many agents and memories",
    }


def test_the_proxy_and_the_hub_beside_it(tmp_path: Path) -> None:
    all_parts(tmp_path)
    assert list(beside_litellm(read(tmp_path / f"{models.NAME}.jsonl")).values()) == pytest.approx([120 / 90, 12, 20])


def test_each_part_with_goals_is_a_part() -> None:
    assert {goal.part for goal in GOALS} == {echoes.NAME, thousand.NAME, growth.NAME}
