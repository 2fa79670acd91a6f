"""Gives an agent a file to know: sealed and stored as it comes in, never whole in memory. A worker reads it later."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Annotated, Final
from uuid import UUID, uuid4

from pydantic import StringConstraints

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.put_document import RULE_FULL, DocumentPut
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.agent import Line
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.media import HEAD_BYTES, sniff
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from aiox.runtime.sealed_stream import new_key, sealed
from policy.storage import Storage
from registry import agents, documents, storage, tenants
from registry.agents import AgentDetail
from registry.documents import KeptFile, NewDocument, Stored, file_place

ACTION: Final = Action.DOCUMENT_UPLOAD
UNREADABLE: Final = "The hub reads PDF, DOCX, HTML, Markdown, CSV and plain text. This is none of them."


class UploadDocument(Fields):
    """A file of one agent. `name` is what the file is called, and its source: the same name again replaces it."""

    agent_id: AgentId
    name: Annotated[Line, StringConstraints(min_length=1)]
    title: Line = ""
    media_type: Line = ""


@dataclass(slots=True)
class _Coming:
    """A file as it comes in: counted, digested, and stopped at its limit."""

    pieces: AsyncIterator[bytes]
    fields: UploadDocument
    most: int
    length: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    async def checked(self) -> AsyncIterator[bytes]:
        """The same pieces. Raises _NotTaken: too long, empty, or of a kind that nobody here reads."""
        head = b""
        async for piece in self.pieces:
            if len(head) < HEAD_BYTES:
                head += piece[:HEAD_BYTES]
            self.length += len(piece)
            if self.length > self.most:
                raise _NotTaken(ErrorCode.BODY_TOO_LARGE, f"A file may have {self.most:,} bytes.")
            self.digest.update(piece)
            yield piece
            if sniff(head, self.fields.media_type, self.fields.name) is None:
                raise _NotTaken(ErrorCode.UNSUPPORTED_MEDIA_TYPE, UNREADABLE)
        if not self.length:
            raise _NotTaken(ErrorCode.BODY_EMPTY, "The file is empty.")


class _NotTaken(Exception):
    """The file is not taken; nothing of it is left."""

    def __init__(self, code: ErrorCode, reason: str, rules: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.refused = Refused(code, reason, rules)


async def run(hub: Hub, actor: Actor, fields: UploadDocument, pieces: AsyncIterator[bytes]) -> DocumentPut | Refused:
    """Stores the file, then its row; a crash in between leaves a file that is swept. `pieces` is read after the gate.

    NOT_FOUND for unknown, deleted and foreign agents alike; BODY_TOO_LARGE, BODY_EMPTY, UNSUPPORTED_MEDIA_TYPE by the
    bytes; MEMORY_FULL. Raises what `pieces` raises, and OSError when the object store is away.
    """
    no = await refused_agent(hub, actor, ACTION, fields.agent_id)
    if no is not None:
        return no
    detail = await agents.load_detail(hub.pool, actor.owner, fields.agent_id)
    if detail is None:  # deleted since the gate looked
        return Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
    coming = _Coming(pieces, fields, hub.upload_bytes)
    document_id, key = uuid4(), new_key()
    try:
        await hub.objects.put(document_id, sealed(key, file_place(actor.owner, document_id), coming.checked()))
    except _NotTaken as not_taken:
        return not_taken.refused
    try:
        put = await _put(hub, detail, _document(hub, actor, document_id, key, coming, detail))
    except _NotTaken as not_taken:
        await hub.objects.delete(document_id)
        return not_taken.refused
    if put.document_id != document_id:  # the same file was there already
        await hub.objects.delete(document_id)
    return put


def _document(
    hub: Hub, actor: Actor, document_id: UUID, key: bytes, coming: _Coming, detail: AgentDetail
) -> NewDocument:
    fields = coming.fields
    return NewDocument(
        id=document_id,
        owner=actor.owner,
        agent_id=fields.agent_id,
        title=fields.title or fields.name,
        source=fields.name,
        media_type=fields.media_type or "application/octet-stream",
        content="",
        embedding_model=detail.version.memory_config.embedding_model,
        created_at=hub.clock.now(),
        file=KeptFile(key, coming.digest.digest(), coming.length),
    )


async def _put(hub: Hub, detail: AgentDetail, document: NewDocument) -> DocumentPut:
    """Its row, when the file fits; whether its passages do shows when it is read. Raises _NotTaken."""
    async with owner_scope(hub.pool, document.owner) as connection:
        ring = await tenants.ring_of(connection, hub.keys, document.owner)
        await storage.lock(connection, document.owner)
        stored, document_id = await documents.put(connection, ring, document)
        if stored is not Stored.UNCHANGED:
            agent_mb = detail.version.governance.max_memory_mb
            _check_room(await storage.used(connection, document.owner, document.agent_id, agent_mb))
    return DocumentPut(document_id, stored)


def _check_room(space: Storage) -> None:
    if space.left < 0:
        raise _NotTaken(ErrorCode.MEMORY_FULL, space.refusal(0), (RULE_FULL,))
