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
class Posting:
    """In which passages of a segment (a document, or one fact) a word stands, and how often in each."""

    segment: UUID
    ordinals: Sequence[int]
    counts: Sequence[int]


@dataclass(frozen=True, slots=True)
class Hit:
    """A passage that has words of the question.

    `share` is how much of the question it covers, 0 to 1, where rare words weigh more; words found nowhere count as
    not covered.
    """

    segment: UUID
    ordinal: int
    share: float


def by_words(postings: Mapping[str, Sequence[Posting]], lengths: Mapping[UUID, Sequence[int]], most: int) -> list[Hit]:
    """The passages with the highest BM25 score, best first, at most `most`.

    `postings` has an entry for each word of the question, empty where it stands nowhere; `lengths` the words of each
    passage of each segment, by ordinal.
    """
    segments = list(lengths)
    starts = dict(zip(segments, np.cumsum([0, *(len(lengths[one]) for one in segments)])[:-1].tolist(), strict=True))
    length = np.array([count for one in segments for count in lengths[one]], dtype=np.float64)
    if not length.size or not postings:
        return []
    norm = K1 * (1 - B + B * length / max(float(length.mean()), 1.0))
    scores, covered, whole = np.zeros(length.size), np.zeros(length.size), 0.0
    for found in postings.values():
        places, counts = _flat(found, starts)
        idf = math.log(1 + (length.size - places.size + 0.5) / (places.size + 0.5))
        whole += idf
        scores[places] += idf * counts * (K1 + 1) / (counts + norm[places])
        covered[places] += idf
    ranked = np.argsort(-scores, kind="stable")[:most]
    owners = np.searchsorted(np.array([starts[one] for one in segments]), ranked, side="right") - 1
    return [
        Hit(segments[owner], int(place) - starts[segments[owner]], float(covered[place] / whole))
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


def _flat(found: Sequence[Posting], starts: Mapping[UUID, int]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    places = [starts[one.segment] + ordinal for one in found for ordinal in one.ordinals]
    counts = [count for one in found for count in one.counts]
    return np.array(places, dtype=np.int64), np.array(counts, dtype=np.float64)
