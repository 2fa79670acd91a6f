from __future__ import annotations

import pytest

from policy.storage import MIB, Storage, passages_of


@pytest.mark.parametrize(
    ("storage", "left", "full"),
    [
        (Storage(0, 2, 0, 1), MIB, False),
        (Storage(MIB, 2, 0, 5), MIB, False),
        (Storage(2 * MIB, 2, 0, 5), 0, True),
        (Storage(3 * MIB, 2, 0, 5), -MIB, True),
        (Storage(0, 0, 0, 5), 0, True),
        (Storage(0, 5, 0, 0), 0, True),
    ],
)
def test_the_tighter_limit_holds(storage: Storage, left: int, full: bool) -> None:
    assert (storage.left, storage.full) == (left, full)


def test_the_refusal_names_the_limit_that_binds() -> None:
    assert "memory of this agent would hold 1.5 MiB, and 1 MiB are allowed" in Storage(MIB, 9, MIB, 1).refusal(MIB // 2)
    assert "memory of your account would hold 9.5 MiB, and 9 MiB" in Storage(9 * MIB, 9, MIB, 5).refusal(MIB // 2)


def test_passages_take_their_text_and_a_vector_each() -> None:
    assert passages_of(0) == 0
    assert passages_of(1) == 1 + 768
    assert passages_of(8000) == 8000 + 10 * 768
