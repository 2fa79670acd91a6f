"""Aliases: short, plain, and never a name that speaks for the hub."""

from __future__ import annotations

import pytest
from pydantic import TypeAdapter, ValidationError

from aiox.kernel.alias import RESERVED, Alias
from aiox.kernel.ids import agent_id_of

ALIAS = TypeAdapter(Alias)


@pytest.mark.parametrize(
    ("given", "read"), [("guide", "guide"), (" Guide ", "guide"), ("a", "a"), ("t-1.x_y", "t-1.x_y")]
)
def test_good_ones_are_read_in_lower_case(given: str, read: str) -> None:
    assert ALIAS.validate_python(given) == read


@pytest.mark.parametrize(
    "given",
    [
        *sorted(RESERVED),
        "Admin",
        "agent-x",
        "probe-3",
        "",
        "-a",
        "a-",
        ".a",
        "a b",
        "a@b",
        "a/b",
        "é",
        "x" * 33,
        "a\nb",
    ],
)
def test_others_are_refused(given: str) -> None:
    with pytest.raises(ValidationError):
        ALIAS.validate_python(given)


def test_no_alias_is_an_agents_own_address() -> None:
    """Its id is derived (version 5) and can be no agent's own, which is drawn (version 4)."""
    assert agent_id_of("guide").version == 5
