"""What a turn has cost in all, with the attempts before its last one."""

from __future__ import annotations

from typing import Any

import pytest

from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Failed, Usage
from orchestrator.proofs import Dispatched
from orchestrator.spending import Paid

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
