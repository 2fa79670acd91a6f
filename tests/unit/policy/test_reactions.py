from __future__ import annotations

import pytest

from policy.reactions import value_of


@pytest.mark.parametrize(
    ("emojis", "value"),
    [
        ("👍", 1),
        ("👍🏽", 1),
        ("❤️", 1),
        ("👎", -1),
        ("👎🏿 😡", -1),
        ("👍 👎", 0),
        ("🤔", 0),
        ("", 0),
        ("👍🤔", 0),
        ("good", 0),
    ],
)
def test_what_a_reaction_says(emojis: str, value: int) -> None:
    assert value_of(emojis) == value
