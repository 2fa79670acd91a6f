"""Takes a document into an agent's memory: read, cut, embed, store, and say how far it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from ai_worker.memory.store import Document, NoRoom, NoSuchDocument, Store
from ai_worker.parsing.port import Parser
from ai_worker.parsing.text import Parsed, Unreadable
from ai_worker.sandbox.port import SandboxUnavailable
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.runtime.logs import Log
from aiox.runtime.tokens import TurnClaims
from aiox.wire.v1 import worker_pb2 as pb

PARSING: Final = "parsing"
EMBEDDING: Final = "embedding"
READY: Final = "ready"
_NO_ROOM: Final = "Its text does not fit into the agent's memory. Delete documents, or raise max_memory_mb."


@dataclass(frozen=True, slots=True)
class Reading:
    """What a document is read with."""

    store: Store
    parser: Parser
    log: Log


@dataclass(frozen=True, slots=True)
class SandboxedIfThereIsOne:
    """Parses in the sandbox; on a machine that has none, in a process with limits, and says so in the log."""

    sandboxed: Parser
    in_process: Parser
    log: Log

    async def parse(self, content: bytes, declared: str, name: str) -> Parsed:
        """As the port says."""
        try:
            return await self.sandboxed.parse(content, declared, name)
        except SandboxUnavailable as none:
            self.log.warning("document_parsed_without_sandbox", reason=str(none))
            return await self.in_process.parse(content, declared, name)


async def index(given: pb.DocumentGiven, claims: TurnClaims, reading: Reading) -> AsyncIterator[pb.DocumentIndexed]:
    """Stores a document's passages and says how far it is, last how it ended: ready, or a code with a sentence.

    The same document again changes nothing. What is stored already can be embedded anew.
    """
    said = pb.DocumentIndexed(request_id=given.request_id, owner_user_id=str(claims.owner), state=PARSING)
    try:
        said.embedding_model = reading.store.embedder.model
        if given.memory_id:
            yield await _entry(said, given, claims, reading)
            return
        if given.again:
            steps = reading.store.again(claims.owner, claims.agent, UUID(given.document_id), given.subject_jid)
        else:
            yield said
            parsed = await reading.parser.parse(given.content, given.media_type, given.name or given.title)
            said.media_type = parsed.media_type
            steps = reading.store.steps(claims.owner, claims.agent, _document(given, parsed))
        async for said.embedded, said.chunks in steps:
            said.state = READY if said.embedded == said.chunks else EMBEDDING
            yield said
        reading.log.info("document_indexed", request_id=given.request_id, chunks=said.chunks)
    except Unreadable as why:
        yield _ended(said, ErrorCode.BODY_INVALID, str(why))
    except NoRoom:
        yield _ended(said, ErrorCode.MEMORY_FULL, _NO_ROOM)
    except NoSuchDocument:
        yield _ended(said, ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND])
    except Exception as broken:  # noqa: BLE001 -- the one boundary: the hub gets a code, the log the type
        reading.log.error("document_not_indexed", request_id=given.request_id, error=type(broken).__name__)
        yield _ended(said, ErrorCode.INTERNAL, SENTENCES[ErrorCode.INTERNAL])


def _document(given: pb.DocumentGiven, parsed: Parsed) -> Document:
    return Document(
        UUID(given.document_id), given.title, parsed.text, parsed.markdown, given.room_bytes or None, given.subject_jid
    )


async def _entry(
    said: pb.DocumentIndexed, given: pb.DocumentGiven, claims: TurnClaims, reading: Reading
) -> pb.DocumentIndexed:
    """One entry about a person, as it stands now. Raises NoSuchDocument when it was changed again, or is gone."""
    where = claims.owner, claims.agent, given.subject_jid
    if not await reading.store.entry_again(*where, UUID(given.memory_id)):
        raise NoSuchDocument(given.memory_id)
    said.state, said.chunks, said.embedded = READY, 1, 1
    return said


def _ended(said: pb.DocumentIndexed, code: ErrorCode, text: str) -> pb.DocumentIndexed:
    said.error_code, said.error_text = code, text
    return said
