"""Has what is in memory already embedded anew: entries that people wrote, and all of it when the model has changed.

Passages and words stay where they are, so that everything is found by its words meanwhile; vectors of the model before
go when those of the new one are there. The rows are the queue: a crash loses nothing.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import OwnerId
from aiox.runtime.clock import Clock
from aiox.runtime.logs import Log, describe
from aiox.runtime.postgres import Pool, StoreTrouble
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers.link import WorkerLost
from orchestrator.workers.pool import NoWorker, WorkerPool
from registry import indexing, reindexing
from registry.documents import DocumentState
from registry.reindexing import StaleDocument, Unembedded

POLL_S: Final = 0.5
DOCUMENTS_S: Final = 20.0
"""How often it is asked whether documents were embedded with another model."""
FACTS_S: Final = 3600.0
"""The same for entries about people: all of them are looked at."""
TELL_S: Final = 1.0
TIMEOUT_S: Final = 1800.0
_POOL: Final = "default"
_BATCH: Final = 16


@dataclass(frozen=True, slots=True)
class Reindexer:
    """Any number of orchestrators may do it. `model` is what the hub embeds with."""

    pool: Pool
    workers: WorkerPool
    model: str
    clock: Clock
    log: Log

    async def run(self) -> None:
        """Polls until cancelled."""
        facts_at = documents_at = float("-inf")
        while True:
            now = self.clock.monotonic()
            try:
                if now - facts_at >= FACTS_S:
                    await reindexing.queue_unembedded(self.pool, self.model)
                    facts_at = now
                await self.entries()
                if now - documents_at >= DOCUMENTS_S:
                    await self.documents()
                    documents_at = now
            except StoreTrouble as broken:
                self.log.warning("reindexer_waits", error=repr(broken))
            except NoWorker as none:
                self.log.info("reindexer_waits", reason=str(none))
            await asyncio.sleep(POLL_S)

    async def entries(self) -> int:
        """Entries that wait; returns how many were embedded. Raises NoWorker, or what PostgreSQL raised."""
        done = 0
        while self.workers.healthy() and (waiting := await reindexing.find_unembedded(self.pool, _BATCH)):
            done += sum([await self._entry(one) for one in waiting])
        return done

    async def documents(self) -> int:
        """Documents that another model has embedded; returns how many are done. Raises as above."""
        done = 0
        while self.workers.healthy() and (stale := await reindexing.find_stale(self.pool, self.model, _BATCH)):
            done += sum([await self._document(one) for one in stale])
        return done

    async def _entry(self, waiting: Unembedded) -> bool:
        """Counted before it is tried: it is tried again ever more seldom, and never forgotten."""
        attempt = await reindexing.count_attempt(self.pool, waiting)
        if not attempt:
            return False
        given = pb.DocumentGiven(
            request_id=str(uuid4()),
            owner_user_id=str(waiting.owner),
            agent_id=str(waiting.agent_id),
            subject_jid=waiting.subject,
            memory_id=str(waiting.id),
            correlation_id=str(uuid4()),
        )
        try:
            said = await self._asked(given, None)
        except WorkerLost as lost:
            self.log.warning("entry_not_embedded", memory_id=str(waiting.id), error=describe(lost))
            return False
        await reindexing.entry_done(self.pool, waiting, attempt, said.embedding_model)
        return True

    async def _document(self, stale: StaleDocument) -> bool:
        claimed = await reindexing.claim(self.pool, stale, self.model)
        if claimed is None:
            return False
        given = pb.DocumentGiven(
            request_id=str(uuid4()),
            owner_user_id=str(stale.owner),
            agent_id=str(stale.agent_id),
            document_id=str(stale.id),
            subject_jid=claimed.subject,
            again=True,
            correlation_id=str(uuid4()),
        )
        try:
            said = await self._asked(given, stale)
        except WorkerLost as lost:
            self.log.warning("document_not_embedded_anew", document_id=str(stale.id), error=describe(lost))
            return False
        await indexing.mark_ready(self.pool, stale.owner, stale.id, said.chunks, model=said.embedding_model)
        await reindexing.drop_other_vectors(self.pool, stale.owner, stale.id, None, said.embedding_model)
        self.log.info("document_embedded_anew", document_id=str(stale.id), chunks=said.chunks)
        return True

    async def _asked(self, given: pb.DocumentGiven, document: StaleDocument | None) -> pb.DocumentIndexed:
        """The worker's last word; of a document its owner is told what came before. Raises NoWorker, WorkerLost."""
        said, told = pb.DocumentIndexed(), float("-inf")
        async with aclosing(self.workers.index(_POOL, given, TIMEOUT_S)) as news:
            async for said in news:
                now = self.clock.monotonic()
                if document is not None and said.state != DocumentState.READY and now - told >= TELL_S:
                    told = now
                    await self._tell(document.owner, document.id, said)
        if said.error_code and said.error_code != ErrorCode.NOT_FOUND:
            raise WorkerLost(said.error_text or said.error_code)
        if not said.error_code and said.state != DocumentState.READY:
            raise WorkerLost("the worker did not say how it ended")
        return said

    async def _tell(self, owner: OwnerId, document: UUID, said: pb.DocumentIndexed) -> None:
        await indexing.mark(self.pool, owner, document, DocumentState.REINDEXING, said.chunks, said.embedded)
