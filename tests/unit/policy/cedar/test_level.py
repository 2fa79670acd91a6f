"""A text becomes a level whole, or not at all; what it says is named."""

from __future__ import annotations

import pytest

from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict
from policy.access import Relation
from policy.cedar.facts import Facts
from policy.cedar.level import MAX_BYTES, Fault, Level, Scope, compile_level, strictest

READ = Facts(Action.AGENT_READ, Relation.OWNER, actor="ada@localhost")
ALL = '@id("all") permit(principal, action, resource);'


def level(text: str, scope: Scope = Scope.HUB, version: int = 1) -> Level:
    found = compile_level(scope, version, text)
    assert isinstance(found, Level), found
    return found


def test_forbid_wins_and_its_sentence_is_the_reason() -> None:
    found = level(f'{ALL} @id("no") @says("Not today.") forbid(principal, action, resource);').judge(READ)
    assert found == Deny(ErrorCode.ACCESS_DENIED, "Not today.", ("hub/no",))


def test_silence_is_deny() -> None:
    found = level("").judge(READ)
    assert isinstance(found, Deny)
    assert found.rules == ("hub/silence",)


def test_a_lower_level_allows_what_it_does_not_forbid() -> None:
    own = level('@id("h") forbid(principal, action, resource) when { context.channel == "http" };', Scope.ORGANISATION)
    assert isinstance(own.judge(READ), Allow)
    assert own.judge(Facts(READ.action, READ.relation, channel="http")) == Deny(
        ErrorCode.ACCESS_DENIED, "", ("organisation/h",)
    )


def test_a_hold_waits_and_a_plain_forbid_beside_it_denies() -> None:
    held = '@id("four") @hold("four_eyes") @quorum("2") forbid(principal, action, resource);'
    assert level(ALL + held).judge(READ) == Hold("four_eyes", ("hub/four",), quorum=2)
    assert isinstance(level(f'{ALL} {held} @id("no") forbid(principal, action, resource);').judge(READ), Deny)


def test_a_rule_that_cannot_be_evaluated_is_no_policy() -> None:
    overflow = '@id("sum") forbid(principal, action, resource) when { 9223372036854775807 + 1 == 0 };'
    found = level(ALL + overflow).judge(READ)
    assert isinstance(found, Deny)
    assert found.code is ErrorCode.NO_POLICY


@pytest.mark.control
def test_control_the_library_itself_lets_it_through() -> None:
    from cedarpy import is_authorized

    text = (
        "permit(principal, action, resource); forbid(principal, action, resource) when { 9223372036854775807 + 1 == 0"
    )
    assert is_authorized(READ.request, text + "};", []).allowed


@pytest.mark.parametrize(
    "text",
    [
        "nonsense",
        "permit(principal, action, resource);",
        '@id("") permit(principal, action, resource);',
        '@id("a\\nb") permit(principal, action, resource);',
        '@id("a") permit(principal, action, resource); @id("a") permit(principal, action, resource);',
        '@id("a") permit(principal, action == Action::"agent.explode", resource);',
        '@id("a") permit(principal, action, resource) when { context.mood == "good" };',
        '@id("a") permit(principal, action, resource) when { context.tool == 1 };',
        '@id("a") permit(principal == ?principal, action, resource);',
        '@id("a") @hold("confirm") permit(principal, action, resource);',
        '@id("a") @hold("perhaps") forbid(principal, action, resource);',
        '@id("a") @hold("confirm") @quorum("2") forbid(principal, action, resource);',
        '@id("a") @hold("four_eyes") @quorum("0") forbid(principal, action, resource);',
        '@id("a") @hold("four_eyes") @approvers("nobody") forbid(principal, action, resource);',
        '@id("a") @hold("four_eyes") @quorum("2") @approvers("a@b") forbid(principal, action, resource);',
        '@id("a") @hold("four_eyes") @second_factor("false") forbid(principal, action, resource);',
        '@id("a") @quorum("2") forbid(principal, action, resource);',
        '@id("a") @typo("x") forbid(principal, action, resource);',
        "//" + "x" * MAX_BYTES,
    ],
)
def test_a_text_with_a_fault_is_no_level(text: str) -> None:
    found = compile_level(Scope.HUB, 1, text)
    assert not isinstance(found, Level)
    assert found
    assert all(isinstance(fault, Fault) and fault.why for fault in found)


@pytest.mark.parametrize("scope", [Scope.ORGANISATION, Scope.AGENT])
def test_a_lower_level_may_not_permit(scope: Scope) -> None:
    assert not isinstance(compile_level(scope, 1, ALL), Level)
    assert not isinstance(compile_level(scope, 1, ALL.replace("all", "everything")), Level)


def test_a_fault_names_its_rule_once() -> None:
    found = compile_level(Scope.HUB, 1, '@id("odd") forbid(principal, action, resource) when { context.mood == "x" };')
    assert not isinstance(found, Level)
    assert [fault.rule for fault in found] == ["odd"]


def test_the_digest_is_of_the_text() -> None:
    assert level(ALL).digest == level(ALL, version=2).digest
    assert level(ALL).digest != level(ALL + " ").digest


ALLOW = Allow(("a",))
DENY = Deny(ErrorCode.ACCESS_DENIED, "", ("d",))
BROKEN = Deny(ErrorCode.NO_POLICY, "", ("b",))


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [
        ([ALLOW, ALLOW], Allow(("a", "a"))),
        ([ALLOW, Hold("confirm", ("c",)), Hold("four_eyes", ("f",), 2)], Hold("four_eyes", ("c", "f"), 2)),
        ([Hold("confirm", ("c",)), DENY], DENY),
        ([DENY, BROKEN], Deny(ErrorCode.NO_POLICY, "", ("d", "b"))),
        ([Hold("four_eyes", ("c",), 1, ("a@b", "c@b")), Hold("four_eyes", ("d",), 1, ("c@b",))],
         Hold("four_eyes", ("c", "d"), 1, ("c@b",))),
        ([Hold("four_eyes", ("c",), second_factor=True), Hold("confirm", ("d",))],
         Hold("four_eyes", ("c", "d"), second_factor=True)),
    ],
)  # fmt: skip
def test_the_strictest_holds(verdicts: list[Verdict], expected: Verdict) -> None:
    assert strictest(verdicts) == expected


def test_approvers_with_nobody_in_common_are_a_no() -> None:
    two = [Hold("four_eyes", ("c",), 1, ("a@b",)), Hold("four_eyes", ("d",), 1, ("c@b",))]
    assert isinstance(strictest(two), Deny)


def test_no_level_at_all_is_a_no() -> None:
    assert isinstance(strictest([]), Deny)
