"""BM25 and reciprocal rank fusion against values worked out by hand, and what must hold of any ranking."""

from __future__ import annotations

import math
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ai_worker.memory.ranking import K1, RRF_K, Hit, Places, fused
from ai_worker.memory.ranking import by_words as ranked

ONE, TWO = UUID(int=1), UUID(int=2)
Posting = tuple[UUID, list[int], list[int]]


def by_words(postings: dict[str, list[Posting]], lengths: dict[UUID, list[int]], most: int) -> list[Hit]:
    """The same, of segments with their ordinals and counts."""
    stored = Places.of([(one, list(range(len(counts))), counts) for one, counts in lengths.items()])
    return ranked({word: Places.of(found) for word, found in postings.items()}, stored, most)


def test_a_score_is_that_of_the_formula() -> None:
    """Two passages of equal length: the norm is k1, one occurrence weighs idf * (k1 + 1) / (1 + k1) = idf."""
    hits = by_words({"rare": [(ONE, [0], [1])], "common": [(ONE, [0, 1], [1, 1])]}, {ONE: [5, 5]}, 10)
    rare, common = math.log(1 + 1.5 / 1.5), math.log(1 + 0.5 / 2.5)
    assert [(hit.segment, hit.ordinal) for hit in hits] == [(ONE, 0), (ONE, 1)]
    assert [hit.share for hit in hits] == pytest.approx([1.0, common / (rare + common)])


def test_more_of_a_word_weighs_more_and_less_each_time() -> None:
    lengths = {ONE: [10, 10, 10, 10]}
    hits = by_words({"word": [(ONE, [0, 1, 2], [1, 2, 20])]}, lengths, 10)
    assert [hit.ordinal for hit in hits] == [2, 1, 0]
    assert 20 * (K1 + 1) / (20 + K1) < 2 * (2 * (K1 + 1) / (2 + K1))


def test_a_short_passage_beats_a_long_one_with_the_same_word() -> None:
    assert [hit.ordinal for hit in by_words({"w": [(ONE, [0, 1], [1, 1])]}, {ONE: [100, 5]}, 10)] == [1, 0]


def test_a_word_found_nowhere_counts_as_not_covered() -> None:
    (hit,) = by_words({"known": [(ONE, [0], [1])], "unknown": []}, {ONE: [3]}, 10)
    assert hit.share < 0.5


def test_ordinals_of_several_segments_do_not_mix() -> None:
    postings = {"w": [(TWO, [1], [1]), (ONE, [0], [3])]}
    hits = by_words(postings, {ONE: [4, 4], TWO: [4, 4]}, 10)
    assert [(hit.segment, hit.ordinal) for hit in hits] == [(ONE, 0), (TWO, 1)]


def test_segments_without_lengths_do_not_count() -> None:
    assert by_words({"w": [(TWO, [0], [1])]}, {ONE: [4]}, 10) == []


def test_nothing_stored_or_nothing_asked_finds_nothing() -> None:
    assert by_words({"w": []}, {}, 10) == []
    assert by_words({}, {ONE: [3]}, 10) == []
    assert by_words({"w": []}, {ONE: [3]}, 10) == []


def test_empty_passages_do_not_break_the_mean() -> None:
    assert by_words({"w": []}, {ONE: [0]}, 10) == []


SEGMENTS = st.lists(st.lists(st.integers(1, 50), min_size=1, max_size=5), min_size=1, max_size=5)


@given(SEGMENTS, st.data())
def test_every_hit_has_a_word_and_its_share_is_one(lengths: list[list[int]], data: st.DataObject) -> None:
    stored = {uuid4(): passages for passages in lengths}
    places = [(segment, ordinal) for segment, passages in stored.items() for ordinal in range(len(passages))]
    postings = {
        word: [
            (segment, [ordinal], [data.draw(st.integers(1, 9))])
            for segment, ordinal in data.draw(st.lists(st.sampled_from(places), unique=True))
        ]
        for word in "abc"
    }
    having = {(one[0], one[1][0]) for found in postings.values() for one in found}
    hits = by_words(postings, stored, 100)
    assert {(hit.segment, hit.ordinal) for hit in hits} == having
    assert all(0 < hit.share <= 1 + 1e-9 for hit in hits)
    assert by_words(postings, stored, 2) == hits[:2]


def test_fusion_adds_the_inverse_ranks() -> None:
    assert fused("abc", "cx") == ["c", "a", "b", "x"]
    assert 1 / (RRF_K + 3) + 1 / (RRF_K + 1) > 1 / (RRF_K + 1)


def test_fusion_of_one_ranking_is_that_ranking() -> None:
    assert fused([3, 1, 2]) == [3, 1, 2]
    assert fused([], []) == []
