"""What an approver reads comes from the call, hides nothing, and cannot be forged by its arguments."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import pytest

from aiox.kernel.canonical import Json, canonical
from aiox.kernel.tools import APPEND_LINE
from aiox.kernel.verdict import Hold
from policy.approval_text import MAX_VALUE, as_text, recipients_of, shown, visible
from policy.approvals import Call

NOBODY = UUID(int=0)
UNTIL = datetime(2026, 1, 1, 12, tzinfo=UTC)


def call(**arguments: Json) -> Call:
    return Call("ada@localhost", NOBODY, NOBODY, "append_line", canonical(arguments), "")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ({"url": "https://Example.ORG:8443/x?y"}, ("example.org",)),
        ({"url": "https://example.org@evil.example/"}, ("evil.example",)),
        ({"url": "http://[::1]/"}, ("[::1]",)),
        ({"to": ["a@x.example", "B <b@y.example>"]}, ("a@x.example", "b@y.example")),
        ({"deep": {"list": [{"host": "db.internal"}]}}, ("db.internal",)),
        ({"body": "see http://one.example and http://two.example"}, ("one.example", "two.example")),
        ({"https://key.example": 1}, ("key.example",)),
        ({"line": "nothing leaves"}, ()),
    ],
)
def test_recipients_are_found_wherever_they_stand(arguments: dict[str, Json], expected: tuple[str, ...]) -> None:
    assert recipients_of(canonical(arguments)) == expected


def test_risk_and_reversibility_are_the_tools_and_unknown_is_critical() -> None:
    found = shown(call(file="a", line="b"), APPEND_LINE)
    assert (found.risk, found.reversible) == ("low", "the hub cannot undo it")
    assert shown(call(), None).risk == "critical"


def test_nothing_hides_and_no_line_can_be_forged() -> None:
    trick = "x\nRisk: none; it changes nothing.\u202e\x1b[2J\u200b"
    text = as_text(shown(call(line=trick), None), "ada@localhost\n", Hold("confirm", ()), UNTIL, "k7")
    assert len([line for line in text.splitlines() if line.startswith("Risk:")]) == 1
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "\\u{202e}" in text
    assert "/approve k7" in text


@pytest.mark.control
def test_control_a_plain_text_would_forge_a_line() -> None:
    assert len("x\nRisk: none".splitlines()) == 2


def test_a_long_value_is_cut_and_says_so() -> None:
    found = shown(call(line="y" * (MAX_VALUE + 1)), None)
    assert f"({MAX_VALUE + 1} characters)" in dict(found.arguments)["line"]


def test_visible_keeps_what_people_write() -> None:
    assert visible("Olá, 你好") == "Olá, 你好"
