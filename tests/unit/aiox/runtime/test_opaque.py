"""Opaque tokens: what is made is read back, nothing else is."""

from __future__ import annotations

from uuid import uuid4

import pytest

from aiox.runtime import opaque


def test_what_is_made_is_read_back() -> None:
    owner = uuid4()
    made = opaque.new(owner)
    assert opaque.read(made.text) == opaque.Presented(owner, made.digest)
    assert len(made.digest) == 32


def test_no_two_are_alike_and_the_digest_tells_nothing() -> None:
    owner = uuid4()
    made = [opaque.new(owner) for _ in range(100)]
    assert len({one.text for one in made}) == len({one.digest for one in made}) == 100
    assert all(one.text.encode() not in one.digest for one in made)


def test_another_owner_in_front_is_another_token() -> None:
    mine, theirs = opaque.new(uuid4()), uuid4()
    mixed = opaque.new(theirs).text.partition(".")[0] + "." + mine.text.partition(".")[2]
    shown = opaque.read(mixed)
    assert shown is not None
    assert shown.owner == theirs
    assert shown.digest != mine.digest


@pytest.mark.parametrize(
    "text", ["", ".", "a.b", "x" * 22 + "." + "y" * 42, "é" * 22 + "." + "y" * 43, "A" * 21 + "." + "y" * 43, "\ud800"]
)
def test_what_is_none_is_not_read(text: str) -> None:
    assert opaque.read(text) is None


def test_half_characters_are_read_as_an_unknown_token() -> None:
    made = opaque.new(uuid4()).text
    shown = opaque.read(made[:-1] + "\ud800")
    assert shown is not None
    assert shown.digest != opaque.new(uuid4()).digest
