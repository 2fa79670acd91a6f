"""An agent's own rules for its tools and the policies above them: the strictest holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest

from aiox.kernel.agent import Tool, ToolPolicy
from aiox.kernel.canonical import Json, canonical
from aiox.kernel.errors import ErrorCode
from aiox.kernel.tools import APPEND_LINE, call_id
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict
from policy.access import Relation
from policy.cedar.facts import Facts
from policy.cedar.judge import NONE_LOADED, Decision, Policies, hub_level
from policy.cedar.level import Level
from policy.tool_gate import Read, asked_by_a_room, asked_by_an_agent, judge_tool, policy_hash, tool_facts, would
from policy.tools import Call, allowed_tools

TURN = UUID(int=7)
KNOWN = {"append_line": APPEND_LINE}
FREE = [Tool(name="append_line", policy=ToolPolicy(requires_approval=False))]
HELD = [Tool(name="append_line", policy="approval")]
OWNER = Facts("agent.invoke", Relation.OWNER, actor="ada@localhost", channel="xmpp")
FORBID = '@id("no") forbid(principal, action == Action::"tool.call", resource)'


def policies(text: str = "") -> Policies:
    level = hub_level(1, text)
    assert isinstance(level, Level), level
    return Policies([level])


def judged(
    above: Policies | None,
    configured: Sequence[Tool] = FREE,
    arguments: bytes | None = None,
    facts: Facts = OWNER,
    **given: Json,
) -> Decision:
    asked = canonical(given or {"file": "a", "line": "b"}) if arguments is None else arguments
    call = Call(TURN, 0, str(call_id(TURN, 0)), "append_line", asked)
    offered = allowed_tools([tool.name for tool in configured], KNOWN)
    return judge_tool(call, facts, above, offered, configured, KNOWN, ())


def kind(verdict: Verdict) -> str:
    return type(verdict).__name__


@pytest.mark.parametrize(
    ("text", "configured", "expected"),
    [
        ("", FREE, "Allow"),
        ("", HELD, "Hold"),
        (f'{FORBID} when {{ context.risk == "low" }};', FREE, "Deny"),
        (f'{FORBID} when {{ context.risk == "high" }};', FREE, "Allow"),
        (f'{FORBID} when {{ context.tool == "append_line" }};', HELD, "Deny"),
        (f'{FORBID} when {{ context.recipients.contains("evil.example") }};', FREE, "Allow"),
    ],
)
def test_the_strictest_holds(text: str, configured: Sequence[Tool], expected: str) -> None:
    assert kind(judged(policies(text), configured).verdict) == expected


def test_whom_the_call_reaches_is_read_from_its_arguments() -> None:
    above = policies(f'{FORBID} when {{ context.recipients.contains("evil.example") }};')
    assert kind(judged(above, file="a", line="to https://evil.example/x").verdict) == "Deny"


def test_a_policy_raises_a_confirmation_to_four_eyes() -> None:
    above = policies('@id("two") @hold("four_eyes") @quorum("2") forbid(principal, action, resource);')
    verdict = judged(above, HELD).verdict
    assert isinstance(verdict, Hold)
    assert (verdict.kind, verdict.quorum) == ("four_eyes", 2)
    assert {"hub/two", "T6 approval"} <= set(verdict.rules)


def test_what_needs_a_yes_is_refused_to_a_room_where_nobody_is_another() -> None:
    """Else who asks in the room would say yes in a chat of their own, as somebody else than the room."""
    refused = asked_by_a_room(judged(policies(), HELD)).verdict
    assert isinstance(refused, Deny)
    assert refused.code is ErrorCode.TOOL_REFUSED
    assert refused.rules == ("T6 approval", "agent/no-approval-in-rooms")
    free = judged(policies(), FREE)
    assert asked_by_a_room(free) is free
    denied = judged(policies(), configured=())
    assert asked_by_a_room(denied) is denied


def test_what_the_agent_does_not_allow_no_policy_allows() -> None:
    verdict = judged(policies(), configured=()).verdict
    assert isinstance(verdict, Deny)
    assert verdict.code is ErrorCode.TOOL_REFUSED


@pytest.mark.parametrize("arguments", [b"", b"nonsense", b"[]", b'{"b":1,"a":2}', b"\xff"])
def test_arguments_that_cannot_be_read_are_refused_and_not_read(arguments: bytes) -> None:
    assert isinstance(judged(policies(), arguments=arguments).verdict, Deny)


def test_a_stranger_and_a_hub_without_policy_are_refused() -> None:
    assert isinstance(judged(policies(), facts=Facts("agent.invoke", Relation.NONE)).verdict, Deny)
    none = judged(None)
    assert isinstance(none.verdict, Deny)
    assert (none.verdict.code, none.policy_version) == (ErrorCode.NO_POLICY, NONE_LOADED)


def test_an_unknown_tool_counts_as_critical() -> None:
    assert tool_facts(OWNER, None, "mystery", b"{}").risk == "critical"


def test_a_dry_run_asks_like_a_turn() -> None:
    assert isinstance(would(OWNER, policies(), "append_line", FREE, KNOWN, ()).verdict, Allow)
    assert isinstance(would(OWNER, policies(), "append_line", FREE, KNOWN, ("append_line",)).verdict, Hold)
    assert isinstance(would(OWNER, policies(), "http_request", FREE, KNOWN, ()).verdict, Deny)


def test_the_hash_changes_with_either_part() -> None:
    plain = policy_hash("agent", policies())
    assert plain == policy_hash("agent", policies())
    assert (
        len(
            {
                plain,
                policy_hash("other", policies()),
                policy_hash("agent", policies(f"{FORBID};")),
                policy_hash("agent", None),
            }
        )
        == 4
    )


@pytest.mark.parametrize(
    ("relation", "labels", "expected"),
    [
        (Relation.OWNER, ("document",), "confirm"),
        (Relation.OWNER, (), ""),
        (Relation.GRANTED, ("document",), "four_eyes"),
        (Relation.GRANTED, ("memory",), "four_eyes"),
        (Relation.GRANTED, (), ""),
    ],
)
def test_a_turn_with_all_three_waits_for_who_may_speak_for_the_owner(
    relation: Relation, labels: tuple[str, ...], expected: str
) -> None:
    outward = {"append_line": replace(APPEND_LINE, outward=True)}
    call = Call(TURN, 0, str(call_id(TURN, 0)), "append_line", canonical({"file": "a", "line": "b"}))
    offered = allowed_tools(["append_line"], outward)
    facts = Facts("agent.invoke", relation, actor="ada@localhost", channel="xmpp")
    verdict = judge_tool(call, facts, policies(), offered, FREE, outward, (), Read(labels)).verdict
    assert (verdict.kind if isinstance(verdict, Hold) else "") == expected


def in_a_chain(*labels: str, outward: bool) -> Decision:
    """An owner's turn in which another agent asks: its word stands before the model."""
    known = {"append_line": replace(APPEND_LINE, outward=outward)}
    call = Call(TURN, 0, str(call_id(TURN, 0)), "append_line", canonical({"file": "a", "line": "b"}))
    return judge_tool(call, OWNER, policies(), allowed_tools(["append_line"], known), FREE, known, (), Read(labels))


def test_what_another_agent_says_may_be_anybodys_and_private() -> None:
    assert isinstance(in_a_chain("peer", outward=True).verdict, Hold)
    assert isinstance(in_a_chain("peer", outward=False).verdict, Allow)


@pytest.mark.control
def test_control_without_its_label_it_would_go_out() -> None:
    assert isinstance(in_a_chain(outward=True).verdict, Allow)


def test_an_agent_that_asks_has_nobodys_agreement_to_give() -> None:
    refused = asked_by_an_agent(in_a_chain("peer", outward=True)).verdict
    assert isinstance(refused, Deny)
    assert refused.rules[-1] == "agent/no-approval-for-agents"
    assert isinstance(asked_by_an_agent(in_a_chain(outward=True)).verdict, Allow)
