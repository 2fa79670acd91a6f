"""Has waiting documents read and indexed by a worker. The row in PostgreSQL is the queue; a crash loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass
from uuid import uuid4

from aiox.kernel.ids import OwnerId
from aiox.runtime.clock import Clock
from aiox.runtime.keyring import CannotOpen, KeyRing
from aiox.runtime.logs import Log, describe
from aiox.runtime.objects.port import ObjectMissing, ObjectStore
from aiox.runtime.postgres import Pool, StoreTrouble, owner_scope
from aiox.wire.v1 import worker_pb2 as pb
from orchestrator.workers.link import WorkerLost
from orchestrator.workers.pool import NoWorker, WorkerPool
from registry import indexing, storage
from registry.documents import DocumentState
from registry.indexing import DocumentContent, WaitingDocument

POLL_S = 0.5
TIMEOUT_S = 1800.0
"""For one document, whole."""
TELL_S = 1.0
"""How often its owner is told how far it is, at most."""
ATTEMPTS = 4
"""Tries before a document is failed, 10, 20, 30 s apart. A worker that was lost with it counts."""
_UNDER_WAY = frozenset({DocumentState.PARSING, DocumentState.EMBEDDING})
_POOL = "default"
_BATCH = 16


@dataclass(frozen=True, slots=True)
class Indexer:
    """Reads what waits, asks a worker, writes the result."""

    pool: Pool
    ring_of: Callable[[OwnerId], Awaitable[KeyRing]]
    workers: WorkerPool
    objects: ObjectStore
    clock: Clock
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
        while self.workers.healthy() and (waiting := await indexing.find_waiting(self.pool, _BATCH)):
            for document in waiting:
                if not self.workers.healthy():
                    return
                await self._try(document)

    async def _try(self, waiting: WaitingDocument) -> None:
        """Counted before it is tried: a document that kills whoever takes it comes to an end, too."""
        tries = await indexing.count_attempt(self.pool, waiting.owner, waiting.id)
        if not tries:
            return
        if tries > ATTEMPTS:
            await self._fail(waiting, f"It could not be read in {ATTEMPTS} attempts. Change it, or put it again.")
            return
        try:
            await self._index(waiting)
        except (NoWorker, *StoreTrouble):
            raise
        except Exception as broken:  # noqa: BLE001 -- the boundary: one document must not stop the others
            self.log.warning("document_not_indexed", document_id=str(waiting.id), tries=tries, error=describe(broken))
            await indexing.mark(self.pool, waiting.owner, waiting.id, DocumentState.WAITING, 0, 0)

    async def _index(self, waiting: WaitingDocument) -> None:
        content = await indexing.load_content(self.pool, waiting.owner, waiting.id)
        if content is None:
            return
        try:
            read = await content.open(await self.ring_of(waiting.owner), self.objects)
        except (CannotOpen, ObjectMissing) as wrong:
            await self._fail(waiting, f"What was stored cannot be opened any more: {wrong}. Put it again.")
            return
        said = await self._followed(waiting, await self._given(content, read))
        if said.error_code:
            await self._fail(waiting, said.error_text or said.error_code)
            return
        model = said.embedding_model
        await indexing.mark_ready(self.pool, waiting.owner, waiting.id, said.chunks, said.media_type, model)
        self.log.info("document_indexed", document_id=str(waiting.id), chunks=said.chunks)

    async def _followed(self, waiting: WaitingDocument, given: pb.DocumentGiven) -> pb.DocumentIndexed:
        """The worker's last word; its owner is told what came before. Raises WorkerLost when there is none."""
        said, told = pb.DocumentIndexed(), (0.0, "")
        async with aclosing(self.workers.index(_POOL, given, TIMEOUT_S)) as news:
            async for said in news:
                now = self.clock.monotonic()
                if said.state in _UNDER_WAY and (said.state != told[1] or now - told[0] >= TELL_S):
                    told = (now, said.state)
                    state = DocumentState(said.state)
                    await indexing.mark(self.pool, waiting.owner, waiting.id, state, said.chunks, said.embedded)
        if not said.error_code and said.state != DocumentState.READY:
            raise WorkerLost("the worker did not say how it ended")
        return said

    async def _given(self, content: DocumentContent, read: bytes) -> pb.DocumentGiven:
        """What the worker is given, with what the memory has room for: at least a byte, 0 would mean no limit."""
        async with owner_scope(self.pool, content.owner) as connection:
            used = await storage.used(connection, content.owner, content.agent_id, content.agent_mb)
        return pb.DocumentGiven(
            request_id=str(uuid4()),
            owner_user_id=str(content.owner),
            agent_id=str(content.agent_id),
            document_id=str(content.id),
            title=content.title,
            name=content.source,
            media_type=content.media_type,
            content=read,
            correlation_id=str(uuid4()),
            room_bytes=max(1, used.left),
            subject_jid=content.subject,
        )

    async def _fail(self, waiting: WaitingDocument, reason: str) -> None:
        await indexing.mark_failed(self.pool, waiting.owner, waiting.id, reason)
        self.log.warning("document_failed", document_id=str(waiting.id), reason=reason)
