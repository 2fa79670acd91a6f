"""Has waiting documents indexed by a worker. The row in PostgreSQL is the queue; a crash loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import uuid4

from aiox.kernel.ids import OwnerId
from aiox.runtime.keyring import CannotOpen, KeyRing
from aiox.runtime.logs import Log, describe
from aiox.runtime.postgres import Pool, StoreTrouble
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers.pool import NoWorker, WorkerPool
from registry import documents
from registry.documents import WaitingDocument

POLL_S = 0.5
TIMEOUT_S = 300.0
ATTEMPTS = 4
"""Tries before a document is failed, 10, 20, 30 s apart. A worker that was lost with it counts."""
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
            except NoWorker as none:
                self.log.info("indexer_waits", reason=str(none))
            await asyncio.sleep(POLL_S)

    async def _round(self) -> None:
        """Those tried least often come first: what is bad waits behind what is new, and not in front of it."""
        while self.workers.healthy() and (waiting := await documents.find_waiting(self.pool, _BATCH)):
            for document in waiting:
                if not self.workers.healthy():
                    return
                await self._try(document)

    async def _try(self, waiting: WaitingDocument) -> None:
        """Counted before it is tried: a document that kills whoever takes it comes to an end, too."""
        tries = await documents.count_attempt(self.pool, waiting.owner, waiting.id)
        if tries > ATTEMPTS:
            await self._fail(waiting, f"It could not be read in {ATTEMPTS} attempts. Change it, or put it again.")
            return
        try:
            await self._index(waiting)
        except (NoWorker, *StoreTrouble):
            raise
        except Exception as broken:  # noqa: BLE001 -- the boundary: one document must not stop the others
            self.log.warning("document_not_indexed", document_id=str(waiting.id), tries=tries, error=describe(broken))

    async def _index(self, waiting: WaitingDocument) -> None:
        content = await documents.load_content(self.pool, waiting.owner, waiting.id)
        if content is None:
            return
        try:
            text = content.open(await self.ring_of(waiting.owner))
        except CannotOpen as wrong:
            await self._fail(waiting, str(wrong))
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
            await self._fail(waiting, indexed.error_text or indexed.error_code)
            return
        await documents.mark_ready(self.pool, waiting.owner, waiting.id, indexed.chunks)
        self.log.info("document_indexed", document_id=str(waiting.id), chunks=indexed.chunks)

    async def _fail(self, waiting: WaitingDocument, reason: str) -> None:
        await documents.mark_failed(self.pool, waiting.owner, waiting.id, reason)
        self.log.warning("document_failed", document_id=str(waiting.id), reason=reason)
