from __future__ import annotations

import random
from uuid import UUID

import pytest

from aiox.kernel.ids import OwnerId
from aiox.runtime.file_links import CHARACTERS, FileLink, opened, signed

KEY = bytes(range(32))
LINK = FileLink(OwnerId(UUID(int=1)), UUID(int=2), 2_000_000_000)
TOKEN = signed(KEY, LINK)
NOW = 1_999_999_999


def test_a_link_opens_what_it_was_made_for_until_its_end() -> None:
    assert len(TOKEN) == CHARACTERS
    assert opened(KEY, TOKEN, NOW) == LINK
    assert opened(KEY, TOKEN, LINK.ends_at) is None


def test_another_key_opens_nothing() -> None:
    assert opened(bytes(32), TOKEN, NOW) is None


def test_every_changed_character_makes_it_worthless() -> None:
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    draw = random.Random(1)
    for place in range(CHARACTERS):
        other = draw.choice([one for one in letters if one != TOKEN[place]])
        assert opened(KEY, TOKEN[:place] + other + TOKEN[place + 1 :], NOW) is None, place


@pytest.mark.parametrize("token", ["", "x", TOKEN[:-1], TOKEN + "A", TOKEN + "==", "é" * CHARACTERS, " " * CHARACTERS])
def test_what_is_no_token_opens_nothing(token: str) -> None:
    assert opened(KEY, token, NOW) is None


@pytest.mark.control
def test_without_its_signature_anybody_could_name_a_record() -> None:
    other = FileLink(LINK.owner, UUID(int=3), LINK.ends_at)
    assert opened(KEY, signed(KEY, other), NOW) == other, "only who has the key makes one"
