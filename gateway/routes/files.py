"""Files behind signed links: what an answer was too long for."""

from __future__ import annotations

from typing import Any, Final

from fastapi import APIRouter
from fastapi.responses import Response

from aiox.commands import open_file
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheDoor
from gateway.errors import stop
from gateway.front import TheFront
from gateway.routes.declared import declared
from gateway.schemas.common import problems

router = APIRouter(prefix="/v1/files", tags=["files"])

PER_MINUTE: Final = 600
"""Requests of everybody together: links are opened once or twice."""
_FILE: Final[dict[int | str, dict[str, Any]]] = {200: {"description": "The file", "content": {"text/markdown": {}}}}


@router.get(
    "/{token}",
    response_class=Response,
    responses=_FILE | problems(ErrorCode.NOT_FOUND),
    openapi_extra=declared(open_file.ACTION),
)
async def read(door: TheDoor, front: TheFront, token: str) -> Response:
    """The file that a link of an answer opens, for some hours, to whoever has the link."""
    await door.limit(open_file.ACTION, "links", PER_MINUTE)
    result = await open_file.run(door.hub, front.file_key, token)
    if isinstance(result, Refused):
        raise stop(result)
    headers = {
        "Content-Disposition": f'attachment; filename="{result.name}"',
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cache-Control": "private, no-store",
        "Referrer-Policy": "no-referrer",
    }
    return Response(result.content, media_type=result.media_type, headers=headers)
