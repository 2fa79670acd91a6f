"""Has waiting documents indexed by a worker. The row in PostgreSQL is the queue; a crash loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

from aiox.kernel.ids import OwnerId
from aiox.runtime.keyring import CannotOpen, KeyRing
from aiox.runtime.logs import Log
from aiox.runtime.postgres import Pool, StoreTrouble
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers.link import WorkerLost
from orchestrator.workers.pool import NoWorker, WorkerPool
from registry import documents
from registry.documents import WaitingDocument

POLL_S = 0.5
TIMEOUT_S = 300.0
_POOL = "default"
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Indexer:
    """Reads what waits, asks a worker, writes the result."""

    pool: Pool
    ring_of: Callable[[OwnerId], Awaitable[KeyRing]]
    workers: WorkerPool
    log: Log

    async def run(self) -> None:
        """Polls until cancelled."""
        while True:
            try:
                await self._round()
            except StoreTrouble as broken:
                self.log.warning("indexer_waits", error=repr(broken))
            except (NoWorker, WorkerLost) as none:
                self.log.info("indexer_waits", reason=str(none))
            await asyncio.sleep(POLL_S)

    async def _round(self) -> None:
        while self.workers.healthy() and (waiting := await documents.find_waiting(self.pool, _BATCH)):
            for document in waiting:
                await self._index(document)

    async def _index(self, waiting: WaitingDocument) -> None:
        content = await documents.load_content(self.pool, waiting.owner, waiting.id)
        if content is None:
            return
        try:
            text = content.open(await self.ring_of(waiting.owner))
        except CannotOpen as wrong:
            await documents.mark_failed(self.pool, waiting.owner, waiting.id, str(wrong))
            return
        given = pb.DocumentGiven(
            request_id=str(uuid4()),
            owner_user_id=str(waiting.owner),
            agent_id=str(waiting.agent_id),
            document_id=str(waiting.id),
            title=content.title,
            media_type=content.media_type,
            content=text.encode(),
            correlation_id=str(uuid4()),
        )
        indexed = await self.workers.index(_POOL, given, TIMEOUT_S)
        if indexed.error_code:
            await documents.mark_failed(self.pool, waiting.owner, waiting.id, indexed.error_text or indexed.error_code)
            return
        await documents.mark_ready(self.pool, waiting.owner, waiting.id, indexed.chunks)
        self.log.info("document_indexed", document_id=str(waiting.id), chunks=indexed.chunks)
