"""One bad document does not keep the others waiting, and comes to an end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from functools import partial
from typing import cast
from uuid import UUID

import pytest
import structlog

from aiox.commands import put_document
from aiox.commands.hub import Actor
from aiox.commands.put_document import DocumentPut, PutDocument
from aiox.kernel.ids import AgentId
from aiox.runtime.clock import SystemClock
from aiox.runtime.objects.port import NoStore
from aiox.runtime.postgres import owner_scope
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator import indexer as module
from orchestrator.indexer import ATTEMPTS, Indexer
from orchestrator.workers.link import WorkerLost
from orchestrator.workers.pool import NoWorker, WorkerPool
from registry import documents, indexing
from registry.documents import DocumentState
from registry.tenants import load_ring
from tests.stores import Stores


@dataclass
class Workers:
    """A pool whose workers die of documents with `poison` in them."""

    seen: list[str] = field(default_factory=list)
    away: bool = False
    broken: type[Exception] = WorkerLost

    def healthy(self) -> list[str]:
        return [] if self.away else ["one"]

    def index(self, _pool: str, given: pb.DocumentGiven, _timeout_s: float) -> AsyncGenerator[pb.DocumentIndexed, None]:
        if self.away:
            raise NoWorker("none")
        return self._index(given.content.decode())

    async def _index(self, text: str) -> AsyncGenerator[pb.DocumentIndexed, None]:
        self.seen.append(text)
        yield pb.DocumentIndexed(state="parsing")
        if "poison" in text:
            raise self.broken("it died of it")
        if "refused" in text:
            yield pb.DocumentIndexed(state="parsing", error_code="BODY_INVALID", error_text="It is damaged.")
            return
        yield pb.DocumentIndexed(state="embedding", embedded=1, chunks=2)
        if "silent" not in text:
            yield pb.DocumentIndexed(state="ready", embedded=2, chunks=2, media_type="text/x-seen")


@pytest.fixture
async def owner(stores: Stores) -> tuple[Actor, AgentId]:
    async with stores.superuser() as connection:
        await connection.execute("UPDATE documents SET state = 'failed' WHERE state = 'waiting'")
    actor = await stores.account()
    return actor, await stores.agent(actor)


async def give(stores: Stores, owner: tuple[Actor, AgentId], text: str) -> UUID:
    actor, agent = owner
    put = await put_document.run(stores.hub, actor, PutDocument(agent_id=agent, title="t", source=text, content=text))
    assert isinstance(put, DocumentPut)
    return put.document_id


def indexer(stores: Stores, workers: Workers) -> Indexer:
    pool = stores.pools["orchestrator"]
    ring_of, log = partial(load_ring, pool, stores.keys), structlog.get_logger()
    return Indexer(pool, ring_of, cast(WorkerPool, workers), NoStore(), SystemClock(), log)


async def states(stores: Stores, owner: tuple[Actor, AgentId]) -> dict[str, tuple[DocumentState, str]]:
    listed = await documents.list_of_agent(stores.pools["gateway"], owner[0].owner, owner[1])
    return {one.source: (one.state, one.error) for one in listed}


async def time_passes(stores: Stores) -> None:
    async with stores.superuser() as connection:
        await connection.execute("UPDATE documents SET tried_at = tried_at - interval '1 hour'")


@pytest.mark.parametrize("broken", [WorkerLost, ZeroDivisionError])
async def test_a_bad_document_lets_the_others_pass_and_fails_in_the_end(
    stores: Stores, owner: tuple[Actor, AgentId], broken: type[Exception]
) -> None:
    workers = Workers(broken=broken)
    await give(stores, owner, "poison")
    for number in range(20):
        await give(stores, owner, f"good {number}")
    await indexer(stores, workers)._round()
    found = await states(stores, owner)
    assert found.pop("poison") == (DocumentState.WAITING, "")
    assert {state for state, _ in found.values()} == {DocumentState.READY}
    for _ in range(ATTEMPTS):
        await time_passes(stores)
        await indexer(stores, workers)._round()
    state, reason = (await states(stores, owner))["poison"]
    assert state is DocumentState.FAILED
    assert reason == f"It could not be read in {ATTEMPTS} attempts. Change it, or put it again."
    assert workers.seen.count("poison") == ATTEMPTS


async def test_a_worker_that_restarts_fails_no_document(stores: Stores, owner: tuple[Actor, AgentId]) -> None:
    """However often the round comes meanwhile: the next attempt is 10 s away."""
    workers = Workers()
    await give(stores, owner, "poison")
    for _ in range(3 * ATTEMPTS):
        await indexer(stores, workers)._round()
    assert workers.seen == ["poison"]
    assert (await states(stores, owner))["poison"][0] is DocumentState.WAITING


async def test_without_a_worker_nothing_is_tried(stores: Stores, owner: tuple[Actor, AgentId]) -> None:
    workers = Workers(away=True)
    await give(stores, owner, "good")
    await indexer(stores, workers)._round()
    workers.away = False
    await indexer(stores, workers)._round()
    assert (await states(stores, owner))["good"][0] is DocumentState.READY


async def test_how_far_it_is_stands_in_the_row_and_in_the_owners_events(
    stores: Stores, owner: tuple[Actor, AgentId]
) -> None:
    document = await give(stores, owner, "good")
    await indexer(stores, Workers())._round()
    (found,) = await documents.list_of_agent(stores.pools["gateway"], owner[0].owner, owner[1])
    assert (found.state, found.chunks, found.embedded) == (DocumentState.READY, 2, 2)
    assert found.media_type == "text/x-seen"
    async with owner_scope(stores.pools["gateway"], owner[0].owner) as connection:
        rows = await connection.fetch("SELECT state, detail FROM state_events WHERE thing = $1 ORDER BY seq", document)
    assert [tuple(row) for row in rows] == [("waiting", ""), ("parsing", ""), ("embedding", "1/2"), ("ready", "")]


async def test_what_the_worker_refuses_is_the_sentence_for_its_owner(
    stores: Stores, owner: tuple[Actor, AgentId]
) -> None:
    await give(stores, owner, "refused")
    await indexer(stores, Workers())._round()
    assert (await states(stores, owner))["refused"] == (DocumentState.FAILED, "It is damaged.")


async def test_a_worker_that_does_not_say_how_it_ended_is_asked_again(
    stores: Stores, owner: tuple[Actor, AgentId]
) -> None:
    workers = Workers()
    await give(stores, owner, "silent")
    await indexer(stores, workers)._round()
    assert (await states(stores, owner))["silent"][0] is DocumentState.WAITING
    await time_passes(stores)
    await indexer(stores, workers)._round()
    assert workers.seen == ["silent", "silent"]


async def test_two_orchestrators_do_not_read_the_same_document(stores: Stores, owner: tuple[Actor, AgentId]) -> None:
    document = await give(stores, owner, "good")
    pool = stores.pools["orchestrator"]
    claims = await asyncio.gather(*(indexing.count_attempt(pool, owner[0].owner, document) for _ in range(5)))
    assert sorted(claims) == [0, 0, 0, 0, 1]


@pytest.mark.control
async def test_without_the_pause_and_the_count_the_first_blocks_the_others(
    stores: Stores, owner: tuple[Actor, AgentId], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was: nothing counted, so the oldest comes first again and again."""

    async def not_counted(*_: object) -> int:
        return 1

    monkeypatch.setattr(indexing, "count_attempt", not_counted)
    monkeypatch.setattr(module, "_BATCH", 1)
    workers = Workers()
    await give(stores, owner, "poison")
    await give(stores, owner, "good")
    going_round = asyncio.create_task(indexer(stores, workers)._round())
    async with asyncio.timeout(60):
        while len(workers.seen) < 10:
            await asyncio.sleep(0.01)
    going_round.cancel()
    await asyncio.wait([going_round])
    assert set(workers.seen) == {"poison"}
