"""What routes that stream have in common."""

from __future__ import annotations

from functools import partial
from typing import Any, Final

from fastapi import Request

from aiox.commands.hub import Actor
from gateway.access import Door
from gateway.following import Valid

_EVENT: Final = {
    "type": "object",
    "properties": {name: {"type": "string"} for name in ("event", "id", "data")},
    "required": ["event", "data"],
    "additionalProperties": False,
}
EVENTS: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "server-sent events", "content": {"text/event-stream": {"schema": _EVENT}}}
}
"""Each event is one of these; its data is JSON (gateway.schemas.asked)."""


def wants_events(request: Request) -> bool:
    """Whether the caller names the media type of event streams among those it takes."""
    accepted = request.headers.get("accept", "").split(",")
    return any(one.split(";")[0].strip().lower() == "text/event-stream" for one in accepted)


def still_valid(door: Door, actor: Actor) -> Valid:
    """Asks again whether the caller is signed in, so that a stream ends with its session."""
    return partial(door.still_signed_in, actor)
