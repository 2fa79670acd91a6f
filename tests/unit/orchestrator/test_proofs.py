"""What a turn has cost in all, with the attempts before its last one, and when it is due."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from aiox.kernel.envelope import HTTP, HUB, XMPP
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Failed, Usage
from orchestrator.proofs import Assigned, Dispatched, Reserved, Turn
from orchestrator.spending import Paid
from policy.scoring import Inputs
from tests.stores import NOW
from tests.unit.orchestrator.messages import received

ASSIGNED: Any = None


@pytest.mark.parametrize(
    ("usage", "cut_off", "known", "cost"),
    [
        (Usage(8, 2), 0, 1000, 1000),
        (Usage(8, 2), 5, 1000, 1500),
        (Usage(8, 2), 5, None, None),
        (Usage(0, 0), 5, 0, None),
        (Usage(0, 0), 0, None, 0),
        (Usage(8, 2), 5, 0, 0),
    ],
)
def test_attempts_before_it_cost_as_much_per_token(
    usage: Usage, cut_off: int, known: int | None, cost: int | None
) -> None:
    outcome = Failed(ErrorCode.TIMEOUT, "late", usage, cost_nanousd=known)
    assert Dispatched(ASSIGNED, outcome, (), cut_off).cost_nanousd == cost


def test_what_other_agents_took_is_of_the_turns_tokens_and_not_of_its_models_cost() -> None:
    outcome = Failed(ErrorCode.TIMEOUT, "late", Usage(8, 2), cost_nanousd=1000)
    ended = Dispatched(ASSIGNED, outcome, (), paid=Paid(90, 50))
    assert (ended.tokens, ended.own_tokens, ended.cost_nanousd) == (100, 10, 1000)


def assigned(channel: str) -> Assigned:
    message = received()
    turn = Turn(replace(message, channel=channel), partition=1, fence=1, sequence=1)
    reserved = SimpleNamespace(loaded=SimpleNamespace(turn=turn))
    return Assigned(cast(Reserved, reserved), Inputs(1.0, 1.0, 0.5, 0.0), 0.625)


@pytest.mark.parametrize(
    ("channel", "waits_from_s"), [(XMPP, NOW.timestamp()), (HTTP, NOW.timestamp()), (HUB, math.inf)]
)
def test_a_turn_is_due_by_its_admission_and_what_the_hub_does_by_itself_behind_all(
    channel: str, waits_from_s: float
) -> None:
    assert assigned(channel).waits_from_s == waits_from_s
    assert assigned(channel).scoring == {
        "admitted_s": NOW.timestamp(),
        "S": 0.625,
        "R": 1.0,
        "T": 1.0,
        "P": 0.5,
        "C": 0.0,
    }
