"""What another model embedded is embedded anew, and found by its words meanwhile; an entry that was changed is."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, cast
from uuid import UUID

import pytest
import structlog

from ai_worker.indexing import Reading, index
from ai_worker.memory.recall import Recall
from ai_worker.memory.store import Store
from aiox.commands import put_document
from aiox.commands.hub import Actor
from aiox.commands.put_document import DocumentPut, PutDocument
from aiox.kernel.ids import AgentId
from aiox.kernel.jid import BareJid
from aiox.runtime.clock import SystemClock
from aiox.runtime.tokens import TurnClaims
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.reindexer import Reindexer
from orchestrator.workers.link import WorkerLost
from orchestrator.workers.pool import WorkerPool
from registry import documents, memories, reindexing
from registry.documents import DocumentState
from tests.security.ai_worker.link_harness import ReadsEverything
from tests.security.ai_worker.memory.test_secrets import Exact
from tests.stores import Stores

ANN = BareJid("ann@example.org")
OLD, NEW = "old", "new"
TEXT = "The hub starts with make up.\n\nThe web page is on port 8080."


class Named(Exact):
    """An embedder of another name, whose vectors are others."""

    def __init__(self, model: str) -> None:
        self.model = model

    async def embed(self, texts: Any, owner: UUID | None = None, *, patient: bool = False) -> Any:
        return await super().embed([f"{self.model}: {text}" for text in texts], owner, patient=patient)


@dataclass
class Workers:
    """A worker that embeds with this model, in this process."""

    stores: Stores
    model: str
    broken: bool = False

    def healthy(self) -> int:
        return 1

    @property
    def store(self) -> Store:
        return Store(self.stores.pools["ai_worker"], Named(self.model), SystemClock())

    async def index(
        self, _pool: str, given: pb.DocumentGiven, _timeout_s: float
    ) -> AsyncGenerator[pb.DocumentIndexed, None]:
        if self.broken:
            raise WorkerLost("it is gone")
        claims = TurnClaims(UUID(given.owner_user_id), UUID(given.agent_id), UUID(given.request_id), "one")
        async for said in index(given, claims, Reading(self.store, ReadsEverything(), structlog.get_logger())):
            yield said


@dataclass
class Kept:
    """An agent with a document and an entry that the old model embedded."""

    stores: Stores
    actor: Actor
    agent: AgentId
    document: UUID
    entry: UUID

    def reindexer(self, model: str = NEW, *, broken: bool = False) -> Reindexer:
        workers = cast("WorkerPool", Workers(self.stores, model, broken))
        return Reindexer(self.stores.pools["orchestrator"], workers, model, SystemClock(), structlog.get_logger())

    async def found(self, question: str, model: str = NEW, max_distance: float = 0.1) -> list[str]:
        recall = Recall(self.stores.pools["ai_worker"], Named(model), 10, max_distance)
        return [one.content for one in await recall.passages(self.actor.owner, self.agent, ANN, question)]

    async def models(self) -> list[str]:
        async with self.stores.superuser() as connection:
            rows = await connection.fetch(
                "SELECT DISTINCT model FROM memory_vectors_384 WHERE agent_id = $1 ORDER BY 1", self.agent
            )
        return [row["model"] for row in rows]

    async def state(self) -> tuple[DocumentState, int, int]:
        (one,) = await documents.list_of_agent(self.stores.pools["gateway"], self.actor.owner, self.agent)
        return one.state, one.embedded, one.chunks

    async def later(self) -> None:
        async with self.stores.superuser() as connection:
            await connection.execute("UPDATE documents SET tried_at = tried_at - interval '1 hour'")
            await connection.execute("UPDATE memories_waiting SET tried_at = tried_at - interval '1 hour'")


@pytest.fixture
async def kept(stores: Stores) -> Kept:
    async with stores.superuser() as connection:
        await connection.execute("UPDATE documents SET state = 'failed'")
        await connection.execute("DELETE FROM memories_waiting")
    actor = await stores.account()
    agent = await stores.agent(actor)
    put = await put_document.run(
        stores.hub, actor, PutDocument(agent_id=agent, title="Guide", source="guide", content=TEXT)
    )
    assert isinstance(put, DocumentPut)
    workers = Workers(stores, OLD)
    given = pb.DocumentGiven(
        owner_user_id=str(actor.owner),
        agent_id=str(agent),
        request_id=str(agent),
        document_id=str(put.document_id),
        content=TEXT.encode(),
    )
    said = [one async for one in workers.index("", given, 1)][-1]
    async with stores.superuser() as connection:
        await connection.execute(
            "UPDATE documents SET state = 'ready', chunks = $2, embedded = $2, embedding_model = $3 WHERE id = $1",
            put.document_id,
            said.chunks,
            said.embedding_model,
        )
    entry = await workers.store.fact(actor.owner, agent, ANN, "my train leaves at nine")
    return Kept(stores, actor, agent, put.document_id, entry)


async def test_a_new_model_finds_by_words_at_once_and_by_meaning_when_it_is_done(kept: Kept) -> None:
    passage = TEXT.split("\n\n", maxsplit=1)[0]
    assert await kept.found("The hub starts with make up.") == [TEXT]
    assert await kept.found("hm") == []
    assert await kept.models() == [OLD]
    assert await kept.reindexer().documents() == 1
    assert await reindexing.queue_unembedded(kept.stores.pools["orchestrator"], NEW) >= 1
    assert await kept.reindexer().entries() >= 1
    assert await kept.models() == [NEW], "what the old model made is gone"
    assert await kept.state() == (DocumentState.READY, 1, 1)
    assert passage in (await kept.found(TEXT))[0]
    assert await kept.found("my train leaves at nine") == ["my train leaves at nine"]
    assert await kept.reindexer().documents() == 0


async def test_how_far_it_is_is_told_and_it_is_tried_again_when_a_worker_is_lost(kept: Kept) -> None:
    assert await kept.reindexer(broken=True).documents() == 0
    assert await kept.state() == (DocumentState.REINDEXING, 0, 1)
    assert await kept.found("The hub starts with make up.") == [TEXT], "found by its words all the while"
    assert await kept.reindexer().documents() == 0, "not at once"
    await kept.later()
    assert await kept.reindexer().documents() == 1
    assert await kept.state() == (DocumentState.READY, 1, 1)
    async with kept.stores.superuser() as connection:
        rows = await connection.fetch(
            "SELECT state, detail FROM state_events WHERE thing = $1 ORDER BY seq", kept.document
        )
    assert ("reindexing", "0/1") in [tuple(row) for row in rows]


async def test_what_this_model_embedded_is_left_alone(kept: Kept) -> None:
    orchestrator = kept.stores.pools["orchestrator"]
    assert await kept.reindexer(OLD).documents() == 0
    await reindexing.queue_unembedded(orchestrator, OLD)
    assert kept.entry not in {one.id for one in await reindexing.find_unembedded(orchestrator, 1000)}


async def test_an_entry_that_was_changed_is_found_as_it_is_now_and_no_more_as_it_was(kept: Kept) -> None:
    gateway = kept.stores.pools["gateway"]
    (old,) = await memories.of_subject(gateway, kept.agent, ANN)
    assert await memories.write(gateway, kept.agent, ANN, old, "my boat leaves at ten")
    assert await kept.found("my train leaves at nine", OLD) == []
    assert await kept.reindexer(OLD).entries() == 1
    assert await kept.found("my boat leaves at ten", OLD) == ["my boat leaves at ten"]
    assert await kept.found("my train leaves at nine", OLD) == []
    (new,) = await memories.of_subject(gateway, kept.agent, ANN)
    assert (new.id, new.origin, new.created_at) == (old.id, "written", old.created_at)
    assert not await memories.write(gateway, kept.agent, ANN, old, "too late"), "somebody was faster"


async def test_an_entry_that_is_changed_while_it_is_embedded_waits_on(kept: Kept) -> None:
    gateway, orchestrator = kept.stores.pools["gateway"], kept.stores.pools["orchestrator"]
    (old,) = await memories.of_subject(gateway, kept.agent, ANN)
    await memories.write(gateway, kept.agent, ANN, old, "second")
    (waiting,) = await reindexing.find_unembedded(orchestrator, 10)
    attempt = await reindexing.count_attempt(orchestrator, waiting)
    (now,) = await memories.of_subject(gateway, kept.agent, ANN)
    await memories.write(gateway, kept.agent, ANN, now, "third")
    await reindexing.entry_done(orchestrator, waiting, attempt, OLD)
    assert await reindexing.find_unembedded(orchestrator, 10) == [waiting]
    assert await kept.reindexer(OLD).entries() == 1
    assert await kept.found("third", OLD) == ["third"]


async def test_an_entry_that_cannot_be_embedded_is_tried_ever_more_seldom(kept: Kept) -> None:
    gateway = kept.stores.pools["gateway"]
    (old,) = await memories.of_subject(gateway, kept.agent, ANN)
    await memories.write(gateway, kept.agent, ANN, old, "second")
    assert await kept.reindexer(broken=True).entries() == 0
    assert await kept.reindexer(OLD).entries() == 0, "not at once"
    await kept.later()
    assert await kept.reindexer(OLD).entries() == 1


async def test_a_document_that_goes_takes_every_vector_along(kept: Kept) -> None:
    await kept.reindexer(broken=True).documents()
    async for _ in Workers(kept.stores, NEW).store.again(kept.actor.owner, kept.agent, kept.document):
        pass
    assert await kept.models() == [NEW, OLD]
    await documents.delete(kept.stores.pools["gateway"], kept.actor.owner, kept.agent, kept.document)
    async with kept.stores.superuser() as connection:
        for table, column in (("agent_memories", "document_id"), ("memory_words", "document_id")):
            left = await connection.fetchval(f"SELECT count(*) FROM {table} WHERE {column} = $1", kept.document)  # noqa: S608 -- names of this test
            assert left == 0, table
        vectors = await connection.fetchval(
            "SELECT count(*) FROM memory_vectors_384 WHERE agent_id = $1 AND memory_id <> $2", kept.agent, kept.entry
        )
        assert vectors == 0
