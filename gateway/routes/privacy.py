"""What the hub holds about the signed-in person: handed out, or erased."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import StreamingResponse

from aiox.commands import erase_person, export_person
from aiox.commands.second_factor import WithPassword
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.routes.sign_in_limits import admit_again
from gateway.schemas.common import problems
from gateway.schemas.privacy import ErasedOut

router = APIRouter(prefix="/v1/privacy", tags=["privacy"])

PER_MINUTE: Final = 5
"""Requests per action and account."""
_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The document (docs/security.md)", "content": {"application/octet-stream": {}}}
}


@router.get(
    "/export",
    response_class=StreamingResponse,
    responses=_FILE | problems(ErrorCode.UNAUTHENTICATED),
    openapi_extra=declared(Action.PERSON_EXPORT),
)
async def export(door: TheDoor, actor: TheActor) -> StreamingResponse:
    """Everything the hub holds about you, as one JSON document. Cut off after 60 s: then it is no whole JSON."""
    await door.limit(Action.PERSON_EXPORT, str(actor.owner), PER_MINUTE)
    result = await export_person.run(door.hub, actor)
    if isinstance(result, Refused):
        raise stop(result)
    name = {"Content-Disposition": 'attachment; filename="aiox-person.json"'}
    return StreamingResponse(result, media_type="application/octet-stream", headers=name)


@router.post(
    "/erasures",
    responses=problems(
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.PASSWORD_WRONG,
        ErrorCode.CONFLICT,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_INVALID,
    ),
    openapi_extra=declared(Action.PERSON_ERASE),
)
async def erase(door: TheDoor, actor: TheActor, fields: WithPassword) -> ErasedOut:
    """Erases you: agents, texts, memories, files, keys, sessions, XMPP account and archive. It cannot be taken back."""
    await door.limit(Action.PERSON_ERASE, str(actor.owner), PER_MINUTE)
    await admit_again(door, actor.owner)
    result = await erase_person.run(door.hub, actor, fields, door.people)
    if isinstance(result, Refused):
        raise stop(result)
    return ErasedOut(rows=result.rows)
