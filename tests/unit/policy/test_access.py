"""Rule 0 and the profiles: who may, and that silence is deny."""

from __future__ import annotations

import pytest

from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.verdict import Allow, Deny
from policy.access import PROFILES, Relation, decide


def test_every_action_has_exactly_one_profile() -> None:
    assert set(PROFILES) == set(Action)


@pytest.mark.parametrize("relation", [Relation.OWNER, Relation.GRANTED, Relation.PUBLIC])
def test_those_with_a_relation_may_invoke(relation: Relation) -> None:
    assert isinstance(decide(Action.AGENT_INVOKE, relation), Allow)


def test_rule_0_no_relation_no_turn() -> None:
    verdict = decide(Action.AGENT_INVOKE, Relation.NONE)
    assert isinstance(verdict, Deny)
    assert verdict.code is ErrorCode.ACCESS_DENIED


@pytest.mark.control
def test_rule_0_control_a_profile_that_names_everyone_lets_strangers_in() -> None:
    opened = {**PROFILES, Action.AGENT_INVOKE: frozenset(Relation)}
    assert isinstance(decide(Action.AGENT_INVOKE, Relation.NONE, opened), Allow)


@pytest.mark.parametrize("action", [action for action in Action if PROFILES[action] == frozenset({Relation.OWNER})])
@pytest.mark.parametrize("relation", [Relation.GRANTED, Relation.PUBLIC, Relation.NONE])
def test_what_belongs_to_the_owner_is_refused_to_others(action: Action, relation: Relation) -> None:
    assert isinstance(decide(action, relation), Deny)


@pytest.mark.parametrize(
    ("action", "profiles", "code"),
    [
        ("agent.destroy-everything", PROFILES, ErrorCode.UNKNOWN_ACTION),
        ("", PROFILES, ErrorCode.UNKNOWN_ACTION),
        (Action.AGENT_READ, None, ErrorCode.NO_POLICY),
        (Action.AGENT_READ, {}, ErrorCode.MISSING_PROFILE),
    ],
)
def test_what_is_not_known_is_refused_even_to_the_owner(
    action: str, profiles: dict[Action, frozenset[Relation]] | None, code: ErrorCode
) -> None:
    verdict = decide(action, Relation.OWNER, profiles)
    assert isinstance(verdict, Deny)
    assert verdict.code is code
    assert verdict.rules
