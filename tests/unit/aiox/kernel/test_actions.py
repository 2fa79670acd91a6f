"""Canonical actions have one form."""

from __future__ import annotations

import re

from aiox.kernel.actions import Action


def test_an_action_is_a_thing_and_a_verb() -> None:
    words = "[a-z]+(_[a-z]+)*"
    assert [action for action in Action if not re.fullmatch(rf"{words}\.{words}", action)] == []


def test_names_follow_values() -> None:
    assert all(action.name == action.value.replace(".", "_").upper() for action in Action)
