"""One document of an agent: looked at, handed out as it came in, deleted."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.recording import happened
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from aiox.runtime.sealed_stream import opened
from registry import documents, indexing, tenants
from registry.documents import DocumentSummary, file_place

DELETED: Final = "document.deleted"


class WhichDocument(Fields):
    """A document of an agent."""

    agent_id: AgentId
    document_id: UUID


@dataclass(frozen=True, slots=True)
class Original:
    """A document as it came in."""

    summary: DocumentSummary
    pieces: AsyncIterator[bytes]


async def read(hub: Hub, actor: Actor, fields: WhichDocument) -> DocumentSummary | Refused:
    """The document and how far it is. NOT_FOUND for what is unknown, deleted or foreign."""
    no = await refused_agent(hub, actor, Action.DOCUMENT_READ, fields.agent_id)
    return no if no is not None else await _found(hub, actor, fields)


async def download(hub: Hub, actor: Actor, fields: WhichDocument) -> Original | Refused:
    """The original, opened piece by piece. The pieces raise CannotOpen, ObjectMissing, OSError. NOT_FOUND as above."""
    no = await refused_agent(hub, actor, Action.DOCUMENT_DOWNLOAD, fields.agent_id)
    found = no if no is not None else await _found(hub, actor, fields)
    if isinstance(found, Refused):
        return found
    ring = await tenants.load_ring(hub.pool, hub.keys, actor.owner)
    key = await documents.load_key(hub.pool, ring, actor.owner, found.id)
    if key is not None:
        return Original(found, opened(key, file_place(actor.owner, found.id), hub.objects.read(found.id)))
    content = await indexing.load_content(hub.pool, actor.owner, found.id)
    if content is None:
        return _NOT_FOUND
    return Original(found, _one(await content.open(ring, hub.objects)))


async def delete(hub: Hub, actor: Actor, fields: WhichDocument) -> Refused | None:
    """Deletes it with all that was made of it. NOT_FOUND as above; again is NOT_FOUND, too."""
    no = await refused_agent(hub, actor, Action.DOCUMENT_DELETE, fields.agent_id)
    if no is not None:
        return no
    if not await documents.delete(hub.pool, actor.owner, fields.agent_id, fields.document_id):
        return _NOT_FOUND
    await happened(hub, actor, DELETED, document_id=str(fields.document_id), agent_id=str(fields.agent_id))
    return None


_NOT_FOUND: Final = Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())


async def _found(hub: Hub, actor: Actor, fields: WhichDocument) -> DocumentSummary | Refused:
    return await documents.find(hub.pool, actor.owner, fields.agent_id, fields.document_id) or _NOT_FOUND


async def _one(content: bytes) -> AsyncIterator[bytes]:
    yield content
