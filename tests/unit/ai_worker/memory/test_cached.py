"""The cache of vectors: by owner and text, for a time, bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from uuid import UUID, uuid4

import numpy as np

from ai_worker.memory.cached import Cached
from ai_worker.memory.embedder import Vector


@dataclass
class Inner:
    """Counts what it is asked; a vector says how long its text is."""

    model: str = "inner"
    asked: list[str] = field(default_factory=list)

    def count(self, text: str) -> int:
        return len(text)

    async def embed(self, texts: Sequence[str], owner: UUID | None = None, *, patient: bool = False) -> list[Vector]:
        self.asked.extend(texts)
        return [np.full(2, len(text), dtype=np.float32) for text in texts]


@dataclass
class Still:
    """A clock that is set by hand."""

    seconds: float = 0.0

    def now(self) -> datetime:
        return datetime(2026, 1, 1, tzinfo=UTC)

    def monotonic(self) -> float:
        return self.seconds


ANN, BOB = uuid4(), uuid4()


async def test_a_question_is_embedded_once_for_its_owner() -> None:
    inner = Inner()
    cached = Cached(inner, Still())
    first = await cached.embed(["a", "bb", "a"], ANN)
    assert [float(vector[0]) for vector in first] == [1, 2, 1]
    assert [float(vector[0]) for vector in await cached.embed(["bb", "ccc"], ANN)] == [2, 3]
    assert inner.asked == ["a", "bb", "ccc"]


async def test_what_one_owner_asked_is_not_known_for_another() -> None:
    inner = Inner()
    cached = Cached(inner, Still())
    await cached.embed(["a"], ANN)
    await cached.embed(["a"], BOB)
    assert inner.asked == ["a", "a"]


async def test_documents_and_texts_of_nobody_are_not_kept() -> None:
    inner = Inner()
    cached = Cached(inner, Still())
    for _ in range(2):
        await cached.embed(["a"], ANN, patient=True)
        await cached.embed(["a"])
    assert inner.asked == ["a"] * 4


async def test_it_forgets_in_time_and_holds_a_bounded_number() -> None:
    inner, clock = Inner(), Still()
    cached = Cached(inner, clock, most=2, seconds=10)
    for text in ("a", "b", "c", "b", "a"):
        await cached.embed([text], ANN)
    assert inner.asked == ["a", "b", "c", "a"]
    clock.seconds = 11
    await cached.embed(["a"], ANN)
    assert inner.asked[4:] == ["a"]
