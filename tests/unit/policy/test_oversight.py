"""Which records an organisation's auditors read is said for every action; what is a person's own is not theirs."""

from __future__ import annotations

import pytest

from aiox.kernel.actions import Action
from policy.oversight import OVERSEEN, PRIVATE, is_overseen


def test_every_action_is_overseen_or_private_and_none_is_both() -> None:
    assert not OVERSEEN & PRIVATE
    assert {action.split(".")[0] for action in Action} <= OVERSEEN | PRIVATE, "say which in policy/oversight.py"


@pytest.mark.parametrize("action", ["agent.invoke", "tool.call", "turn.concluded", "approval.decided", "quota.noticed"])
def test_what_is_done_with_agents_is_overseen(action: str) -> None:
    assert is_overseen(action)


@pytest.mark.parametrize(
    "action", ["session.create", "password.change", "person.export", "preferences.put", "new.thing", ""]
)
def test_what_is_a_persons_own_or_unknown_is_not(action: str) -> None:
    assert not is_overseen(action)
