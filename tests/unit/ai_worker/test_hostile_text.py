"""Text that once took quadratic time: a worker that thinks about one message must still beat for the others."""

from __future__ import annotations

import pytest

from ai_worker.memory.chunks import cut
from ai_worker.memory.remember import fact_in

LONG = 60_000


@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    "text",
    ["a" + "\n" * LONG + "b", "remember" + " " * LONG + "x", "please" + " " * LONG + "x", "a." + " \n" * LONG + "b"],
    ids=["newlines", "spaces after remember", "spaces after please", "empty lines"],
)
def test_a_message_is_searched_in_linear_time(text: str) -> None:
    assert fact_in(text) == ""


@pytest.mark.timeout(100)
@pytest.mark.parametrize(
    "text",
    ["# a" + " " * 900_000 + "b", "# a" + "#" * 900_000 + "b", "a" + "\n" * 900_000, "." * 300_000 + " "],
    ids=["heading of spaces", "heading of marks", "newlines", "full stops"],
)
def test_a_document_is_cut_in_linear_time(text: str) -> None:
    list(cut(text, lambda piece: len(piece) // 3 + 1))
