"""A person reads who, what, the answer and why; a machine reads codes."""

from __future__ import annotations

import pytest

from aiox.kernel.errors import ErrorCode
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict
from policy.access import Relation
from policy.cedar.explain import approval_needed, explain
from policy.cedar.facts import Facts
from policy.cedar.judge import Decision

FACTS = Facts("tool.call", Relation.OWNER, actor="ada@localhost", tool="http_request")


@pytest.mark.parametrize(
    ("verdict", "decision", "code", "words"),
    [
        (Allow(("hub/R0",)), "allow", "", "It is allowed. Decided by hub/R0; policy hub:1:abc."),
        (Hold("confirm", ("hub/c",)), "hold", "confirm", "It waits until the person who asks confirms it."),
        (Deny(ErrorCode.ACCESS_DENIED, "Closed.", ("hub/x",)), "deny", "ACCESS_DENIED", "(ACCESS_DENIED): Closed. "),
    ],
)
def test_in_words_and_codes(verdict: Verdict, decision: str, code: str, words: str) -> None:
    found = explain(Decision(FACTS, verdict, "hub:1:abc"))
    assert (found.decision, found.code, found.rules) == (decision, code, verdict.rules)
    assert words in found.sentence
    assert found.sentence.startswith(
        "ada@localhost, owner of the thing, asks for tool.call with the tool http_request."
    )


@pytest.mark.parametrize(
    ("hold", "words"),
    [
        (Hold("four_eyes", ()), "another person who may approve agrees"),
        (Hold("four_eyes", (), 2), "2 other people agree"),
        (Hold("four_eyes", (), 1, ("a@b", "c@b")), "1 of a@b, c@b agree"),
        (Hold("confirm", (), second_factor=True), "the person who asks confirms it, each with a second factor"),
    ],
)
def test_who_must_agree(hold: Hold, words: str) -> None:
    assert approval_needed(hold) == words


def test_without_a_policy_it_says_so() -> None:
    found = explain(Decision(FACTS, Deny(ErrorCode.NO_POLICY, "None.", ("R3",)), "none"))
    assert "no policy is loaded" in found.sentence
