"""One bad document does not keep the others waiting, and comes to an end."""

from __future__ import annotations

import asyncio
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
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator import indexer as module
from orchestrator.indexer import ATTEMPTS, Indexer
from orchestrator.workers.link import WorkerLost
from orchestrator.workers.pool import NoWorker, WorkerPool
from registry import documents
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

    async def index(self, _pool: str, given: pb.DocumentGiven, _timeout_s: float) -> pb.DocumentIndexed:
        if self.away:
            raise NoWorker("none")
        text = given.content.decode()
        self.seen.append(text)
        if "poison" in text:
            raise self.broken("it died of it")
        return pb.DocumentIndexed(chunks=1)


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
    return Indexer(pool, partial(load_ring, pool, stores.keys), cast(WorkerPool, workers), structlog.get_logger())


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


@pytest.mark.control
async def test_without_the_pause_and_the_count_the_first_blocks_the_others(
    stores: Stores, owner: tuple[Actor, AgentId], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As it was: nothing counted, so the oldest comes first again and again."""

    async def not_counted(*_: object) -> int:
        return 1

    monkeypatch.setattr(documents, "count_attempt", not_counted)
    monkeypatch.setattr(module, "_BATCH", 1)
    workers = Workers()
    await give(stores, owner, "poison")
    await give(stores, owner, "good")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(indexer(stores, workers)._round(), 2)
    assert set(workers.seen) == {"poison"}
