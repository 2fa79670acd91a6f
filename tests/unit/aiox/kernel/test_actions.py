"""Canonical actions have one form."""

from __future__ import annotations

import re

from aiox.kernel.actions import Action


def test_an_action_is_a_thing_and_a_verb() -> None:
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+", action) for action in Action)


def test_names_follow_values() -> None:
    assert all(action.name == action.value.replace(".", "_").upper() for action in Action)
