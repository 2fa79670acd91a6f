from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.cli.chat.screen import printable, unsendable

TITLE = "\x1b]0;owned\x07"


def test_escape_sequences_lose_their_power() -> None:
    assert printable(f"hi{TITLE}\x1b[2J") == "hi]0;owned[2J"


@pytest.mark.control
def test_without_the_guard_the_sequence_would_reach_the_terminal() -> None:
    assert "\x1b" in f"hi{TITLE}"


def test_text_stays_readable() -> None:
    assert printable("a\tb\r\nc é 漢 🙂") == "a\tb\nc é 漢 🙂"


def test_direction_overrides_are_gone() -> None:
    assert printable("pay \u202e001\u202c") == "pay 001"


@given(st.text())
def test_no_control_character_is_left(text: str) -> None:
    assert all(char in "\t\n" or not (ord(char) < 32 or 127 <= ord(char) < 160) for char in printable(text))


@pytest.mark.parametrize("text", ["", "hello", "a\tb\nc\rd", "olá 🙂", "\x7f\x85"])
def test_what_xml_can_carry_is_sent(text: str) -> None:
    assert unsendable(text) == ""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("ab\x00", "the control character U+0000 at position 3"),
        ("\x1b[2J", "the control character U+001B at position 1"),
        ("a\udcffb", "a byte that is no UTF-8 at position 2"),
        ("\ud800", "the control character U+D800 at position 1"),
        ("x\uffff", "the control character U+FFFF at position 2"),
    ],
)
def test_what_it_cannot_carry_is_named_with_its_place(text: str, named: str) -> None:
    assert named in unsendable(text)
    assert "Nothing was sent" in unsendable(text)
