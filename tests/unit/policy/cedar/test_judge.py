"""Levels together: a lower one only narrows; no policy is no."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict
from policy.access import PROFILES, Relation
from policy.cedar.facts import RISKS, Facts
from policy.cedar.judge import NONE_LOADED, Policies, decide, hub_level
from policy.cedar.level import Level, Scope, compile_level

READ = Facts(Action.AGENT_READ, Relation.OWNER, actor="ada@localhost")
CONDITIONS = (
    'context.channel == "xmpp"',
    'context.risk == "high"',
    'context.roles.contains("member")',
    'context.domain == "localhost"',
    "!context.second_factor",
    'principal == Person::"ada@localhost"',
)


def made(scope: Scope, text: str) -> Level:
    found = hub_level(1, text) if scope is Scope.HUB else compile_level(scope, 1, text)
    assert isinstance(found, Level), found
    return found


def rank(verdict: Verdict) -> int:
    return 2 if isinstance(verdict, Deny) else 1 if isinstance(verdict, Hold) else 0


rules = st.lists(
    st.tuples(st.sampled_from(["", '@hold("confirm")', '@hold("four_eyes")']), st.sampled_from(CONDITIONS)), max_size=4
).map(
    lambda found: "\n".join(
        f'@id("r{number}") {hold} forbid(principal, action, resource) when {{ {condition} }};'
        for number, (hold, condition) in enumerate(found)
    )
)
facts = st.builds(
    Facts,
    st.sampled_from([*map(str, Action), "unknown"]),
    st.sampled_from(list(Relation)),
    actor=st.sampled_from(["", "ada@localhost", "bob@peer.example"]),
    roles=st.frozensets(st.sampled_from(["member", "admin"])),
    channel=st.sampled_from(["xmpp", "http"]),
    risk=st.sampled_from(RISKS),
    second_factor=st.booleans(),
)


@settings(deadline=None, max_examples=60)
@given(rules, rules, rules, facts)
def test_a_lower_level_never_widens(hub: str, organisation: str, agent: str, asked: Facts) -> None:
    policies = Policies([made(Scope.HUB, hub)])
    verdict = policies.decide(asked).verdict
    for lower in (made(Scope.ORGANISATION, organisation), made(Scope.AGENT, agent)):
        policies = policies.narrowed(lower)
        narrower = policies.decide(asked).verdict
        assert rank(narrower) >= rank(verdict)
        verdict = narrower


@pytest.mark.parametrize(
    ("asked", "policies", "code"),
    [
        (replace(READ, action="agent.explode"), None, ErrorCode.UNKNOWN_ACTION),
        (READ, None, ErrorCode.NO_POLICY),
        (READ, Policies([made(Scope.HUB, "")], {}), ErrorCode.MISSING_PROFILE),
        (replace(READ, relation=Relation.NONE), Policies([made(Scope.HUB, "")]), ErrorCode.ACCESS_DENIED),
    ],
)
def test_what_nothing_allows_is_denied_with_its_code(asked: Facts, policies: Policies | None, code: ErrorCode) -> None:
    verdict = decide(asked, policies).verdict
    assert isinstance(verdict, Deny)
    assert verdict.code is code
    assert verdict.reason


def test_a_decision_names_the_policies_behind_it() -> None:
    policies = Policies([made(Scope.HUB, "")]).narrowed(made(Scope.AGENT, ""))
    assert [part.split(":")[:2] for part in policies.decide(READ).policy_version.split()] == [
        ["hub", "1"],
        ["agent", "1"],
    ]
    assert decide(READ, None).policy_version == NONE_LOADED


def test_the_same_question_has_the_same_answer_and_is_remembered() -> None:
    policies = Policies([made(Scope.HUB, "")])
    assert policies.decide(READ).verdict is policies.decide(replace(READ)).verdict


def test_another_text_is_another_digest() -> None:
    plain = Policies([made(Scope.HUB, "")])
    assert plain.digest == Policies([made(Scope.HUB, "")]).digest
    assert plain.digest != plain.narrowed(made(Scope.AGENT, "")).digest


def test_the_first_level_and_only_it_is_the_hubs() -> None:
    hub, agent = made(Scope.HUB, ""), made(Scope.AGENT, "")
    for wrong in ([], [agent], [hub, hub]):
        with pytest.raises(ValueError, match="hub"):
            Policies(wrong)


def test_the_operator_may_forbid_what_a_profile_permits() -> None:
    text = '@id("frozen") @says("Closed for maintenance.") forbid(principal, action, resource);'
    verdict = Policies([made(Scope.HUB, text)], PROFILES).decide(READ).verdict
    assert verdict == Deny(ErrorCode.ACCESS_DENIED, "Closed for maintenance.", ("hub/frozen",))
    assert isinstance(Policies([made(Scope.HUB, "")]).decide(READ).verdict, Allow)
