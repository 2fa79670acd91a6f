"""A minted token reads back as what was asked for, once, while it is fresh."""

from __future__ import annotations

from uuid import uuid4

import pytest

from aiox.runtime.tokens import LIFETIME_S, TokenReader, TokenRefused, TurnClaims, mint

KEY = b"k" * 32
OWNER, AGENT, REQUEST = uuid4(), uuid4(), uuid4()
NOW = 1_800_000_000


def token(number: int = 1, now: int = NOW) -> str:
    return mint(KEY, "worker-1", OWNER, AGENT, REQUEST, str(number), now)


def test_reads_what_was_minted() -> None:
    claims = TokenReader(KEY, "worker-1").read(token(), NOW)
    assert claims == TurnClaims(OWNER, AGENT, REQUEST, "1")


@pytest.mark.parametrize("late_s", [0, 1, LIFETIME_S - 1])
def test_is_valid_for_thirty_seconds(late_s: int) -> None:
    assert TokenReader(KEY, "worker-1").read(token(), NOW + late_s).owner == OWNER


def test_bears_clocks_that_differ_a_little() -> None:
    assert TokenReader(KEY, "worker-1").read(token(), NOW - LIFETIME_S).owner == OWNER


def test_many_tokens_in_a_row_are_read_and_old_ones_forgotten() -> None:
    reader = TokenReader(KEY, "worker-1")
    for number in range(500):
        reader.read(token(number, NOW + number), NOW + number)
    with pytest.raises(TokenRefused, match="used already"):
        reader.read(token(499, NOW + 499), NOW + 499)
    assert len(reader._seen) <= 3 * LIFETIME_S


@pytest.mark.parametrize("text", ["", "a", "a.b", "a.b.c", "é.é.é", "....", "W10.W10.x", "x" * 3000, "e30.e30.e30"])
def test_what_is_no_token_is_refused_without_quoting_it(text: str) -> None:
    with pytest.raises(TokenRefused) as refused:
        TokenReader(KEY, "worker-1").read(text, NOW)
    assert str(refused.value) in {"no token", "not a token", "wrong header"}
