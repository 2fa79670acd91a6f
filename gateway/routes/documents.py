"""Documents that an agent knows."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter

from aiox.commands import list_documents, put_document
from aiox.commands.list_documents import ListDocuments
from aiox.commands.put_document import DocumentText, PutDocument
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.documents import DocumentList, DocumentOut, StoredDocument

router = APIRouter(prefix="/v1/agents/{agent_id}/documents", tags=["documents"])

PER_MINUTE: Final = 100
"""Requests per action and account."""


@router.get(
    "",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(list_documents.ACTION),
)
async def list_all(door: TheDoor, actor: TheActor, agent_id: UUID) -> DocumentList:
    """The agent's documents and how far each is on its way into memory."""
    await door.limit(list_documents.ACTION, str(actor.owner), PER_MINUTE)
    result = await list_documents.run(door.hub, actor, ListDocuments(agent_id=AgentId(agent_id)))
    if isinstance(result, Refused):
        raise stop(result)
    return DocumentList(items=[DocumentOut.model_validate(document) for document in result])


@router.put(
    "",
    responses=problems(
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.NOT_FOUND,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_INVALID,
        ErrorCode.MEMORY_FULL,
    ),
    openapi_extra=declared(put_document.ACTION),
)
async def put(door: TheDoor, actor: TheActor, agent_id: UUID, text: DocumentText) -> StoredDocument:
    """Stores a document. The same source again replaces it; the same text again changes nothing."""
    await door.limit(put_document.ACTION, str(actor.owner), PER_MINUTE)
    fields = PutDocument(agent_id=AgentId(agent_id), **text.model_dump())
    result = await put_document.run(door.hub, actor, fields)
    if isinstance(result, Refused):
        raise stop(result)
    return StoredDocument.model_validate(result)
