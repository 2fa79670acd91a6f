"""Estimates of tokens are never too low for what a provider may count in plain text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aiox.kernel.units import MAX_BODY_BYTES, SHORT_TERM_TTL_S, estimate_tokens


@pytest.mark.parametrize(("text", "tokens"), [("", 0), ("a", 1), ("abc", 1), ("abcd", 2), ("é" * 3, 2)])
def test_one_token_per_three_bytes_rounded_up(text: str, tokens: int) -> None:
    assert estimate_tokens(text) == tokens


@given(st.text(), st.text())
def test_parts_never_count_less_than_the_whole(one: str, other: str) -> None:
    assert estimate_tokens(one) + estimate_tokens(other) >= estimate_tokens(one + other)


def test_limits() -> None:
    assert (MAX_BODY_BYTES, SHORT_TERM_TTL_S) == (65_536, 604_800)
