"""Which passages answer a question best, by words and by meaning together. Pure.

BM25 weights: Robertson and Zaragoza, "The Probabilistic Relevance Framework" (2009), with their usual k1 and b, and the
inverse document frequency that stays above 0. Fusion: Cormack, Clarke and Buettcher, "Reciprocal Rank Fusion" (2009).
None of the figures was tuned on the questions that the tests ask.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

K1: Final = 1.2
B: Final = 0.75
RRF_K: Final = 60

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Places:
    """Numbers of passages, segment after segment (a document, or one fact): of each of `segments` as many as `sizes`
    says. `ordinals` name the passage within its segment, `counts` say how often a word stands in it.
    """

    segments: Sequence[UUID]
    sizes: NDArray[np.int64]
    ordinals: NDArray[np.int64]
    counts: NDArray[np.int64]

    @classmethod
    def of(cls, found: Sequence[tuple[UUID, Sequence[int], Sequence[int]]]) -> Places:
        """From segments with their ordinals and counts."""

        def flat(rows: Iterable[Sequence[int]]) -> NDArray[np.int64]:
            return np.array([number for row in rows for number in row], dtype=np.int64)

        sizes = np.array([len(ordinals) for _, ordinals, _ in found], dtype=np.int64)
        return cls([one for one, _, _ in found], sizes, flat(row[1] for row in found), flat(row[2] for row in found))


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that has words of the question.

    `share` is how much of the question it covers, 0 to 1, where rare words weigh more; words found nowhere count as
    not covered.
    """

    segment: UUID
    ordinal: int
    share: float


def by_words(postings: Mapping[str, Places], lengths: Places, most: int) -> list[Hit]:
    """The passages with the highest BM25 score, best first, at most `most`.

    `postings` has an entry for each word of the question, empty where it stands nowhere; the counts of `lengths` are
    the words of every passage of every segment, in the order of their ordinals. Segments without lengths do not count.
    """
    if not lengths.counts.size or not postings:
        return []
    begins = np.cumsum(lengths.sizes) - lengths.sizes
    starts = dict(zip(lengths.segments, begins.tolist(), strict=True))
    length = lengths.counts.astype(np.float64)
    norm = K1 * (1 - B + B * length / max(float(length.mean()), 1.0))
    scores, covered, whole = np.zeros(length.size), np.zeros(length.size), 0.0
    for found in postings.values():
        places, counts = _placed(found, starts)
        idf = math.log(1 + (length.size - places.size + 0.5) / (places.size + 0.5))
        whole += idf
        scores[places] += idf * counts * (K1 + 1) / (counts + norm[places])
        covered[places] += idf
    ranked = np.argsort(-scores, kind="stable")[:most]
    owners = np.searchsorted(begins, ranked, side="right") - 1
    return [
        Hit(lengths.segments[owner], int(place - begins[owner]), float(covered[place] / whole))
        for place, owner in zip(ranked, owners, strict=True)
        if scores[place] > 0
    ]


def fused(*rankings: Iterable[T]) -> list[T]:
    """One ranking out of several, each best first: what stands high in more than one comes first."""
    scores: dict[T, float] = {}
    for ranking in rankings:
        for rank, one in enumerate(ranking, 1):
            scores[one] = scores.get(one, 0.0) + 1 / (RRF_K + rank)
    return sorted(scores, key=lambda one: -scores[one])


def _placed(found: Places, starts: Mapping[UUID, int]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Where a word stands, counted through all segments, and how often at each place."""
    begins = np.array([starts.get(one, -1) for one in found.segments], dtype=np.int64).repeat(found.sizes)
    known = begins >= 0
    return (begins + found.ordinals)[known], found.counts[known]
