"""The built-in policy says what the profiles say: same verdicts for every action and relation."""

from __future__ import annotations

import pytest

from aiox.kernel.actions import Action
from aiox.kernel.verdict import Deny
from policy.access import PROFILES, Profiles, Relation, decide
from policy.cedar.facts import Facts
from policy.cedar.judge import Policies, hub_level
from policy.cedar.level import Level


def policies(profiles: Profiles = PROFILES) -> Policies:
    level = hub_level(1, "", profiles)
    assert isinstance(level, Level), level
    return Policies([level], profiles)


BUILT_IN = policies()


def differs(found: Policies, action: str, relation: Relation) -> bool:
    said, wanted = found.decide(Facts(action, relation)).verdict, decide(action, relation)
    if isinstance(wanted, Deny):
        return not isinstance(said, Deny) or said.code is not wanted.code or said.reason != wanted.reason
    return type(said) is not type(wanted)


@pytest.mark.parametrize("relation", list(Relation))
@pytest.mark.parametrize("action", [*Action, "agent.explode", ""])
def test_same_verdict(action: str, relation: Relation) -> None:
    assert not differs(BUILT_IN, action, relation)


@pytest.mark.control
def test_control_another_profile_is_another_verdict() -> None:
    opened = policies({**PROFILES, Action.AGENT_INVOKE: frozenset(Relation)})
    assert differs(opened, Action.AGENT_INVOKE, Relation.NONE)
