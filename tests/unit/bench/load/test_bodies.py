"""Texts are as long as their mix says, in its shares, and the same for the same seed."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from bench.load.bodies import MIXED, MIXES, SHORT, Size, chosen, filled, name_of
from bench.load.plan import marks, plan


@pytest.mark.parametrize("sizes", MIXES.values(), ids=MIXES.keys())
def test_shares_make_up_a_hundred_and_fit_the_door(sizes: tuple[Size, ...]) -> None:
    assert sum(size.share for size in sizes) == 100
    assert max(size.most for size in sizes) <= 64 * 1024


def test_lengths_come_in_their_shares() -> None:
    chance = random.Random(1)
    counts = Counter(name_of(MIXED, chosen(MIXED, chance)) for _ in range(5000))
    for size in MIXED:
        assert counts[size.name] / 50 == pytest.approx(size.share, abs=2)


def test_shares_that_do_not_make_up_a_hundred_are_an_error() -> None:
    with pytest.raises(ValueError, match="a hundred"):
        chosen((Size("a", 40, 1, 2),), random.Random(1))


@pytest.mark.parametrize("size", [0, 10, 40, 5000])
def test_a_text_has_its_length_and_begins_as_it_was(size: int) -> None:
    text = filled("[id] question 7", size, random.Random(1))
    assert text.startswith("[id] question 7")
    assert len(text.encode()) == max(size, len("[id] question 7"))


def test_a_plan_with_sizes_is_the_same_for_the_same_seed_and_still_names_its_messages() -> None:
    one = plan(4, 200, 10, 3, 2, sizes=MIXED)
    assert one == plan(4, 200, 10, 3, 2, sizes=MIXED)
    assert all(marks(message.text) == (message.id,) for message in one)
    assert max(len(message.text) for message in one) > 2000
    assert max(len(message.text) for message in plan(4, 200, 10, 3, 2, sizes=SHORT)) <= 120
