"""One agent, what reads and writes its memory, and an embedder that counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from ai_worker.memory.embedder import Batched, Vector
from ai_worker.memory.recall import Recall
from ai_worker.memory.store import Document, Store
from ai_worker.words import Passage
from aiox.runtime.clock import SystemClock
from aiox.runtime.postgres import owner_scope
from tests.stores import NOW, Stores

ANN, BOB = "ann@example.org", "bob@example.org"
GUIDE = """# Guide

## Start
The hub starts with make up.

## Ports
The web page is on port 8080.
"""


@dataclass(frozen=True)
class Known:
    """One agent and what reads and writes its memory."""

    stores: Stores
    recall: Recall
    store: Store
    owner: UUID
    agent: UUID

    async def document(self, text: str = GUIDE, agent: UUID | None = None) -> UUID:
        document_id = uuid4()
        async with owner_scope(self.stores.pools["gateway"], self.owner) as connection:
            await connection.execute(
                "INSERT INTO documents (id, owner_user_id, agent_id, title, source, media_type, sha256, bytes,"
                " embedding_model, created_at) VALUES ($1, $2, $3, 'Guide', $4, 'text/markdown', $5, 1, 'minilm', $6)",
                document_id,
                self.owner,
                agent or self.agent,
                str(document_id),
                b"x",
                NOW,
            )
        await self.store.document(self.owner, agent or self.agent, Document(document_id, "Guide", text, True))
        return document_id

    async def ask(self, question: str, subject: str = ANN) -> tuple[Passage, ...]:
        return await self.recall.passages(self.owner, self.agent, subject, question)


class Counting:
    """Counts texts on their way to the real embedder."""

    def __init__(self, inner: Batched) -> None:
        self._inner = inner
        self.texts = 0

    @property
    def model(self) -> str:
        return self._inner.model

    def count(self, text: str) -> int:
        return self._inner.count(text)

    async def embed(self, texts: Sequence[str], owner: UUID | None = None, *, patient: bool = False) -> list[Vector]:
        self.texts += len(texts)
        return await self._inner.embed(texts, owner, patient=patient)


async def another(stores: Stores, embedder: Counting) -> Known:
    actor = await stores.account()
    agent = await stores.agent(actor)
    pool = stores.pools["ai_worker"]
    recall = Recall(pool, embedder, limit=4, max_distance=0.72)
    return Known(stores, recall, Store(pool, embedder, SystemClock()), actor.owner, agent)
