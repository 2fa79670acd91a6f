"""Memories by the thousand, stored past the worker: what search is measured and compared on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import numpy as np
from numpy.typing import NDArray

from ai_worker.memory.embedder import Vector
from ai_worker.memory.recall import as_halfvec
from tests.stores import NOW, Stores

Superuser = "asyncpg.Connection[asyncpg.Record]"
PASSAGES = 50
"""Of one document."""
WORDS = 60
"""Of one passage."""
_SCOPE = ("id", "owner_user_id", "agent_id", "scope", "subject_jid")
COLUMNS = (*_SCOPE, "kind", "document_id", "ordinal", "section", "content", "created_at")
VOCABULARY = 30_000
TOPICS = 200


@dataclass(frozen=True)
class Crowd:
    """What was stored for one agent: passage by passage its id and vector."""

    owner: UUID
    agent: UUID
    ids: Sequence[UUID]
    vectors: NDArray[np.float32]

    def nearest(self, question: Vector, most: int) -> set[UUID]:
        """The true ones, by arithmetic: cosine, since numbers of half the precision are not quite of length 1."""
        vectors = self.vectors.astype(np.float64)
        order = np.argsort(-(vectors @ question) / np.linalg.norm(vectors, axis=1), kind="stable")[:most]
        return {self.ids[int(place)] for place in order}


class Near:
    """An embedder without a model: texts that begin with a number stand near that topic's centre, as real ones do."""

    model = "crowd"

    def __init__(self, seed: int = 7) -> None:
        self.random = np.random.default_rng(seed)
        self.centres = _unit(self.random.standard_normal((TOPICS, 384)))

    def some(self, count: int) -> NDArray[np.float32]:
        """Vectors around topics, so that near ones are near: cosine to their centre is about 0.6."""
        topics = self.random.integers(0, TOPICS, count)
        noise = self.random.standard_normal((count, 384)) / np.sqrt(384)
        return _unit(self.centres[topics] + 1.3 * noise).astype(np.float32)

    def count(self, text: str) -> int:
        return len(text.split())

    async def embed(self, texts: Sequence[str], owner: UUID | None = None, *, patient: bool = False) -> list[Vector]:
        return list(self.some(len(texts)))


def _unit(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    unit: NDArray[np.float64] = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit


async def fill(stores: Stores, near: Near, owner: UUID, agent: UUID, passages: int, *, words: bool = True) -> Crowd:
    """Stores so many passages of documents of 50 for one agent: text, vector and, if wanted, words."""
    ids = [uuid4() for _ in range(passages)]
    vectors = near.some(passages)
    async with stores.superuser() as connection:
        for start in range(0, passages, PASSAGES):
            await _document(connection, near, owner, agent, ids[start : start + PASSAGES], words=words)
        rows = [
            (one, owner, agent, "agent", "", near.model, as_halfvec(vector))
            for one, vector in zip(ids, vectors, strict=True)
        ]
        await connection.execute("CREATE TEMP TABLE coming (a uuid, b uuid, c uuid, d text, e text, f text, g text)")
        await connection.copy_records_to_table("coming", records=rows)
        await connection.execute(
            "INSERT INTO aiox.memory_vectors_384 SELECT a, b, c, d, e, f, g::public.halfvec(384) FROM coming"
        )
        await connection.execute("DROP TABLE coming")
        await connection.execute("ANALYZE aiox.memory_vectors_384, aiox.memory_words, aiox.agent_memories")
    return Crowd(owner, agent, ids, vectors)


async def _document(
    connection: asyncpg.Connection[asyncpg.Record],
    near: Near,
    owner: UUID,
    agent: UUID,
    ids: Sequence[UUID],
    *,
    words: bool,
) -> None:
    document = uuid4()
    await connection.execute(
        "INSERT INTO aiox.documents (id, owner_user_id, agent_id, title, source, media_type, sha256, bytes,"
        " embedding_model, created_at) VALUES ($1, $2, $3, 'Crowd', $4, 'text/plain', 'x', 1, 'crowd', $5)",
        document,
        owner,
        agent,
        str(document),
        NOW,
    )
    numbers = np.minimum(near.random.zipf(1.3, (len(ids), WORDS)), VOCABULARY)
    texts = [" ".join(f"w{number}" for number in row) for row in numbers]
    memories = [
        (one, owner, agent, "agent", "", "chunk", document, ordinal, "", text, NOW)
        for ordinal, (one, text) in enumerate(zip(ids, texts, strict=True))
    ]
    await connection.copy_records_to_table("agent_memories", schema_name="aiox", records=memories, columns=COLUMNS)
    if words:
        await connection.copy_records_to_table(
            "memory_words", schema_name="aiox", records=_postings(owner, agent, document, numbers)
        )


def _postings(owner: UUID, agent: UUID, document: UUID, numbers: NDArray[np.int64]) -> list[tuple[object, ...]]:
    places: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    for ordinal, row in enumerate(numbers):
        for number in row:
            places[f"w{number}"][ordinal] += 1
    who = ("agent", "", document, document, None)
    rows: list[tuple[object, ...]] = [(owner, agent, "", *who, [], [numbers.shape[1]] * len(numbers))]
    return rows + [(owner, agent, word, *who, list(found), list(found.values())) for word, found in places.items()]
