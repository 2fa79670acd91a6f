"""Documents that an agent knows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Query, Request
from fastapi.responses import StreamingResponse
from pydantic import ValidationError
from starlette.requests import ClientDisconnect

from aiox.commands import documents_of_agent, list_documents, put_document, upload_document
from aiox.commands.documents_of_agent import WhichDocument
from aiox.commands.list_documents import ListDocuments
from aiox.commands.put_document import DocumentText, PutDocument
from aiox.commands.upload_document import UploadDocument
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import Stopped, stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.documents import DocumentList, DocumentOut, StoredDocument
from gateway.uploads import FORM, upload_of

router = APIRouter(prefix="/v1/agents/{agent_id}/documents", tags=["documents"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
_UPLOADED: Final[dict[str, Any]] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
            FORM: {"schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}},
        },
    }
}
_ORIGINAL: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file as it came in", "content": {"application/octet-stream": {}}}
}
Name = Annotated[str, Query(max_length=255, description="what the file is called; a form says it itself")]
Title = Annotated[str, Query(max_length=255, description="what it is cited as; left out: its name")]


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


@router.post(
    "",
    responses=problems(
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.NOT_FOUND,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.BODY_EMPTY,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_INVALID,
        ErrorCode.MEMORY_FULL,
    ),
    openapi_extra=declared(upload_document.ACTION) | _UPLOADED,
)
async def upload(
    door: TheDoor, actor: TheActor, agent_id: UUID, request: Request, name: Name = "", title: Title = ""
) -> StoredDocument:
    """Stores a file: PDF, DOCX, HTML, Markdown, CSV or text, as the body itself or as a form's first file.

    What it is, its bytes say. The same name again replaces it; the same file again changes nothing. Reading it takes a
    while: its state tells how far it is, and so do the events.
    """
    await door.limit(upload_document.ACTION, str(actor.owner), PER_MINUTE)
    given = await upload_of(request.headers.get("content-type", ""), _body(request))
    fields = _fields(agent_id, name or given.name, title, given.media_type)
    result = await upload_document.run(door.hub, actor, fields, given.pieces)
    if isinstance(result, Refused):
        raise stop(result)
    return StoredDocument.model_validate(result)


@router.get(
    "/{document_id}",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(Action.DOCUMENT_READ),
)
async def read(door: TheDoor, actor: TheActor, agent_id: UUID, document_id: UUID) -> DocumentOut:
    """One document and how far it is on its way into memory."""
    await door.limit(Action.DOCUMENT_READ, str(actor.owner), PER_MINUTE)
    which = WhichDocument(agent_id=AgentId(agent_id), document_id=document_id)
    result = await documents_of_agent.read(door.hub, actor, which)
    if isinstance(result, Refused):
        raise stop(result)
    return DocumentOut.model_validate(result)


@router.get(
    "/{document_id}/original",
    response_class=StreamingResponse,
    responses=_ORIGINAL | problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(Action.DOCUMENT_DOWNLOAD),
)
async def original(door: TheDoor, actor: TheActor, agent_id: UUID, document_id: UUID) -> StreamingResponse:
    """The document as it came in."""
    await door.limit(Action.DOCUMENT_DOWNLOAD, str(actor.owner), PER_MINUTE)
    which = WhichDocument(agent_id=AgentId(agent_id), document_id=document_id)
    result = await documents_of_agent.download(door.hub, actor, which)
    if isinstance(result, Refused):
        raise stop(result)
    name = {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(result.summary.source, safe='')}"}
    return StreamingResponse(await _begun(result.pieces), media_type="application/octet-stream", headers=name)


@router.delete(
    "/{document_id}",
    status_code=204,
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(Action.DOCUMENT_DELETE),
)
async def delete(door: TheDoor, actor: TheActor, agent_id: UUID, document_id: UUID) -> None:
    """Deletes a document with all that was made of it: passages, words, vectors, its file."""
    await door.limit(Action.DOCUMENT_DELETE, str(actor.owner), PER_MINUTE)
    which = WhichDocument(agent_id=AgentId(agent_id), document_id=document_id)
    result = await documents_of_agent.delete(door.hub, actor, which)
    if isinstance(result, Refused):
        raise stop(result)


async def _begun(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same pieces, the first of them read: a store that is away is an answer, not one that breaks off."""
    first = await anext(pieces, b"")

    async def all_of_them() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    return all_of_them()


async def _body(request: Request) -> AsyncIterator[bytes]:
    """The body as it comes in. Whoever goes away in the middle has sent no file."""
    try:
        async for piece in request.stream():
            if piece:
                yield piece
    except ClientDisconnect:
        raise Stopped(ErrorCode.BODY_INVALID, "body: cut off") from None


def _fields(agent_id: UUID, name: str, title: str, media_type: str) -> UploadDocument:
    try:
        return UploadDocument(agent_id=AgentId(agent_id), name=name, title=title, media_type=media_type[:100])
    except ValidationError:
        raise Stopped(ErrorCode.BODY_INVALID, "query.name: what the file is called, 1 to 255 characters") from None
