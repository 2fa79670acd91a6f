"""Takes a document into an agent's memory: check, cut, embed, store."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from ai_worker.memory.store import Document, NoSuchDocument, Store
from ai_worker.translate import indexed, not_indexed
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.runtime.logs import Log
from aiox.runtime.tokens import TurnClaims
from aiox.wire.v1 import worker_pb2 as pb

_MARKDOWN: Final = {"text/plain": False, "text/markdown": True}


async def index(given: pb.DocumentGiven, claims: TurnClaims, store: Store, log: Log) -> pb.DocumentIndexed:
    """Stores a document's passages; a failure comes back as a code. The same document again changes nothing."""
    read = _read(given)
    if isinstance(read, ErrorCode):
        return not_indexed(given, claims.owner, read, SENTENCES[read])
    try:
        chunks = await store.document(claims.owner, claims.agent, read)
    except NoSuchDocument:
        return not_indexed(given, claims.owner, ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND])
    except Exception as broken:  # noqa: BLE001 -- the one boundary: the hub gets a code, the log the type
        log.error("document_not_indexed", request_id=given.request_id, error=type(broken).__name__)
        return not_indexed(given, claims.owner, ErrorCode.INTERNAL, SENTENCES[ErrorCode.INTERNAL])
    log.info("document_indexed", request_id=given.request_id, agent_id=str(claims.agent), chunks=chunks)
    return indexed(given, claims.owner, chunks)


def _read(given: pb.DocumentGiven) -> Document | ErrorCode:
    kind = given.media_type.partition(";")[0].strip().lower()
    if kind not in _MARKDOWN:
        return ErrorCode.UNSUPPORTED_MEDIA_TYPE
    try:
        document_id, text = UUID(given.document_id), given.content.decode("utf-8-sig")
    except ValueError:
        return ErrorCode.BODY_INVALID
    return Document(document_id, given.title, text, _MARKDOWN[kind]) if text.strip() else ErrorCode.BODY_EMPTY
