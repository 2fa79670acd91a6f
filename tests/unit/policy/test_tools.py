"""Tools allowed to a turn: unknown names are refused, never ignored."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from aiox.kernel.agent import Tool, ToolPolicy
from aiox.kernel.tools import APPEND_LINE, MAX_ARGUMENT_BYTES, MAX_CALLS, Terms, ToolDescription, call_id, known_tools
from aiox.kernel.verdict import Allow, Hold
from policy.tools import (
    RULE_ALLOWED,
    RULE_APPROVAL,
    RULE_ARGUMENTS,
    RULE_CANNOT_ENFORCE,
    RULE_NOT_OFFERED,
    RULE_ORDER,
    RULE_READ_ONLY,
    RULE_TOO_MANY,
    Call,
    allowed_tools,
    judge_call,
    narrowed,
    terms_of,
)


def test_known_tools_pass_and_unknown_ones_are_named() -> None:
    found = allowed_tools(["search_api", "rm_rf"], {"search_api"})
    assert found.names == ("search_api",)
    assert found.refused == ("rm_rf",)
    assert found.availability == 0.5


def test_an_agent_without_tools_has_full_availability() -> None:
    assert allowed_tools([], {"search_api"}).availability == 1.0


def test_an_empty_registry_refuses_everything() -> None:
    assert allowed_tools(["search_api"], set()).names == ()


TURN = uuid4()
FREE = Tool(name="append_line", policy=ToolPolicy(requires_approval=False))
ARGUMENTS = b'{"file":"a","line":"b"}'


def judged(configured: Tool = FREE, approvals: tuple[str, ...] = (), **changed: Any) -> tuple[str, ...]:
    values: dict[str, Any] = {"turn": TURN, "index": 0, "tool": "append_line", "arguments": ARGUMENTS} | changed
    values.setdefault("call_id", str(call_id(values["turn"], values["index"])))
    verdict = judge_call(Call(**values), OFFERED, (configured,), known_tools("x"), approvals)
    assert isinstance(verdict, Allow) == (verdict.rules == (RULE_ALLOWED,))
    assert isinstance(verdict, Hold) == (verdict.rules == (RULE_APPROVAL,))
    return verdict.rules


OFFERED = allowed_tools(["append_line"], known_tools("x"))


def test_a_call_in_order_is_allowed() -> None:
    assert judged() == (RULE_ALLOWED,)
    assert judged(index=MAX_CALLS - 1) == (RULE_ALLOWED,)


@pytest.mark.parametrize(
    ("changed", "rule"),
    [
        ({"tool": "search_api"}, RULE_NOT_OFFERED),
        ({"index": MAX_CALLS}, RULE_TOO_MANY),
        ({"call_id": str(call_id(TURN, 1))}, RULE_ORDER),
        ({"call_id": "anything"}, RULE_ORDER),
        ({"arguments": b'{"line":"b","file":"a"}'}, RULE_ARGUMENTS),
        ({"arguments": b'{"file": "a"}'}, RULE_ARGUMENTS),
        ({"arguments": b"[]"}, RULE_ARGUMENTS),
        ({"arguments": b"\xff"}, RULE_ARGUMENTS),
        ({"arguments": b'{"a":"' + b"x" * MAX_ARGUMENT_BYTES + b'"}'}, RULE_ARGUMENTS),
        ({"arguments": b"[" * 9000}, RULE_ARGUMENTS),
    ],
)
def test_what_is_not_in_order_is_refused(changed: dict[str, Any], rule: str) -> None:
    assert judged(**changed) == (rule,)


@pytest.mark.parametrize(
    ("policy", "rule"),
    [
        ("approval", RULE_APPROVAL),
        ("read_only", RULE_READ_ONLY),
        ("rate_limited", RULE_ALLOWED),
        (ToolPolicy(), RULE_APPROVAL),
        (ToolPolicy(requires_approval=True), RULE_APPROVAL),
        (ToolPolicy(requires_approval=False, read_only=True), RULE_READ_ONLY),
        (ToolPolicy(requires_approval=False, sandbox_required=True), RULE_CANNOT_ENFORCE),
        (ToolPolicy(requires_approval=False, rate_limit_per_minute=5), RULE_ALLOWED),
    ],
)
def test_a_policy_that_asks_for_more_than_there_is_refuses(policy: Any, rule: str) -> None:
    assert judged(Tool(name="append_line", policy=policy)) == (rule,)


def test_the_agents_list_of_approvals_wins() -> None:
    assert judged(approvals=("append_line",)) == (RULE_APPROVAL,)


FETCH = replace(
    APPEND_LINE,
    schema={"type": "object"},
    reads_when={"method": ("GET",)},
    terms=Terms(requires_approval=False, timeout_ms=9, rate_limit_per_minute=7),
)
MAIL = replace(APPEND_LINE, terms=Terms(requires_approval=True))


def rules_for(described: ToolDescription, policy: Any, arguments: bytes) -> tuple[str, ...]:
    call = Call(TURN, 0, str(call_id(TURN, 0)), "append_line", arguments)
    tool = Tool(name="append_line", policy=policy)
    return judge_call(call, OFFERED, (tool,), {"append_line": described}, ()).rules


@pytest.mark.parametrize(
    ("policy", "reads", "writes"),
    [
        ("read_only", RULE_ALLOWED, RULE_READ_ONLY),
        ("rate_limited", RULE_ALLOWED, RULE_APPROVAL),
        ("approval", RULE_APPROVAL, RULE_APPROVAL),
        (ToolPolicy(), RULE_ALLOWED, RULE_APPROVAL),
        (ToolPolicy(requires_approval=False), RULE_ALLOWED, RULE_ALLOWED),
        (ToolPolicy(requires_approval=True), RULE_APPROVAL, RULE_APPROVAL),
        (ToolPolicy(read_only=True), RULE_ALLOWED, RULE_READ_ONLY),
    ],
)
def test_a_tool_that_may_read_or_write_is_judged_by_the_call(policy: Any, reads: str, writes: str) -> None:
    assert rules_for(FETCH, policy, b'{"method":"GET"}') == (reads,)
    assert rules_for(FETCH, policy, b'{"method":"POST"}') == (writes,)


@pytest.mark.parametrize(
    ("policy", "listed", "others"),
    [
        ("approval", RULE_APPROVAL, RULE_APPROVAL),
        (ToolPolicy(), RULE_APPROVAL, RULE_APPROVAL),
        (ToolPolicy(allowed_recipients=("ada@example.org",)), RULE_ALLOWED, RULE_APPROVAL),
        (ToolPolicy(allowed_recipients=("ada@example.org",), requires_approval=False), RULE_ALLOWED, RULE_APPROVAL),
        (ToolPolicy(allowed_recipients=("ada@example.org",), requires_approval=True), RULE_APPROVAL, RULE_APPROVAL),
    ],
)
def test_who_is_on_the_owners_list_may_be_written_to(policy: Any, listed: str, others: str) -> None:
    assert rules_for(MAIL, policy, b'{"to":["ada@example.org"]}') == (listed,)
    assert rules_for(MAIL, policy, b'{"to":["ada@example.org","eve@example.org"]}') == (others,)


def test_what_a_policy_leaves_out_is_the_tools_own() -> None:
    asked = ToolPolicy(timeout_ms=500, allowed_tables=("a",), allowed_domains=("x.org",))
    found = terms_of(Tool(name="append_line", policy=asked), FETCH, ("y.org",))
    assert (found.timeout_ms, found.rate_limit_per_minute, found.allowed_tables) == (500, 7, ("a",))
    assert found.allowed_domains == ()
    assert terms_of(Tool(name="append_line", policy=ToolPolicy()), FETCH, ("y.org",)).allowed_domains == ("y.org",)
    assert terms_of(Tool(name="append_line", policy="rate_limited"), FETCH, ("y.org",)).allowed_domains == ("y.org",)


@pytest.mark.parametrize(
    ("named", "within", "left"),
    [
        (("a.org", "b.org"), (), ("a.org", "b.org")),
        (("a.org", "b.org"), ("a.org",), ("a.org",)),
        (("x.a.org", "*.x.a.org", "a.org", "*.a.org"), ("*.a.org",), ("x.a.org", "*.x.a.org", "*.a.org")),
        (("*.a.org",), ("a.org",), ()),
        (("bada.org",), ("*.a.org",), ()),
    ],
)
def test_a_tool_has_no_domain_that_its_agent_has_not(
    named: tuple[str, ...], within: tuple[str, ...], left: tuple[str, ...]
) -> None:
    assert narrowed(named, within) == left
