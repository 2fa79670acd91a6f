"""What Cedar is asked fits the schema that policies are checked against."""

from __future__ import annotations

import pytest
from cedarpy import Schema, is_authorized

from aiox.kernel.actions import Action
from policy.access import Relation
from policy.cedar.facts import Facts, schema_text

FULL = Facts(
    Action.AGENT_READ,
    Relation.GRANTED,
    actor='"odd\n"@localhost',
    roles=frozenset({"admin", "member"}),
    resource="x",
    channel="http",
    tool="search_api",
    risk="medium",
    read_only=True,
    recipients=frozenset({"example.org"}),
    second_factor=True,
)


@pytest.mark.parametrize("facts", [FULL, Facts(Action.AGENT_INVOKE, Relation.NONE)])
def test_every_question_fits_the_schema(facts: Facts) -> None:
    result = is_authorized(facts.request, "permit(principal, action, resource);", [], Schema.from_str(schema_text()))
    assert result.allowed
    assert result.diagnostics.errors == []


@pytest.mark.control
def test_control_a_question_of_another_form_is_noticed() -> None:
    request = {**FULL.request, "context": {**FULL.request["context"], "tool": 1}}
    result = is_authorized(request, "permit(principal, action, resource);", [], Schema.from_str(schema_text()))
    assert not result.allowed


def test_the_schema_knows_every_action() -> None:
    assert all(f'"{action}"' in schema_text() for action in Action)
