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

    The same document again changes nothing.
    """
    said = pb.DocumentIndexed(request_id=given.request_id, owner_user_id=str(claims.owner), state=PARSING)
    try:
        yield said
        parsed = await reading.parser.parse(given.content, given.media_type, given.name or given.title)
        said.media_type = parsed.media_type
        document = Document(
            UUID(given.document_id), given.title, parsed.text, parsed.markdown, given.room_bytes or None
        )
        _check_model(given, reading.store)
        async for said.embedded, said.chunks in reading.store.steps(claims.owner, claims.agent, document):
            said.state = READY if said.embedded == said.chunks else EMBEDDING
            yield said
        reading.log.info("document_indexed", request_id=given.request_id, chunks=said.chunks)
    except Unreadable as why:
        yield _ended(said, ErrorCode.BODY_INVALID, str(why))
    except NoRoom:
        yield _ended(said, ErrorCode.MEMORY_FULL, _NO_ROOM)
    except NoSuchDocument:
        yield _ended(said, ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND])
    except _OtherModel as other:
        yield _ended(said, ErrorCode.PROVIDER_NOT_ALLOWED, str(other))
    except Exception as broken:  # noqa: BLE001 -- the one boundary: the hub gets a code, the log the type
        reading.log.error("document_not_indexed", request_id=given.request_id, error=type(broken).__name__)
        yield _ended(said, ErrorCode.INTERNAL, SENTENCES[ErrorCode.INTERNAL])


class _OtherModel(Exception):
    """The agent wants another embedding model."""


def _check_model(given: pb.DocumentGiven, store: Store) -> None:
    if given.embedding_model not in {"", store.embedder.model}:
        raise _OtherModel(f"The hub embeds with {store.embedder.model}; the agent asks for {given.embedding_model}.")


def _ended(said: pb.DocumentIndexed, code: ErrorCode, text: str) -> pb.DocumentIndexed:
    said.error_code, said.error_text = code, text
    return said
