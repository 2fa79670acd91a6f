"""What changes with your agents, documents, turns and limits, as it happens."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import APIRouter, Header, Request, Response

from aiox.commands import watch_events
from aiox.commands.watch_events import WatchEvents
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.following import Listener, changes, since_of
from gateway.front import TheFront
from gateway.routes.declared import declared
from gateway.routes.listening import EVENTS, still_valid
from gateway.schemas.common import problems
from gateway.streams import EventStream

router = APIRouter(prefix="/v1/events", tags=["events"])

PER_MINUTE: Final = 30
"""Streams opened per account."""

LastEventId = Annotated[
    str | None,
    Header(
        alias="Last-Event-ID",
        pattern=r"^[0-9]{1,18}-[0-9]{1,18}-[0-9]{1,10}$",
        description="`id` of the last event you got",
    ),
]


@router.get(
    "",
    status_code=200,
    response_class=EventStream,
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.BODY_INVALID) | EVENTS,
    openapi_extra=declared(watch_events.ACTION),
)
async def watch(
    request: Request, door: TheDoor, front: TheFront, actor: TheActor, last_event_id: LastEventId = None
) -> Response:
    """Server-sent events named `<kind>.<state>`, for instance `agent.published`; a comment every 15 s when it is quiet.

    The first is `ready`. `reset` means that events were missed: read anew what you show. Streams end with their token,
    after 14 minutes at most: connect again with the last `id`. Events are kept for a week.
    """
    await door.limit(watch_events.ACTION, str(actor.owner), PER_MINUTE)
    since = None if last_event_id is None else since_of(last_event_id)

    @asynccontextmanager
    async def watched() -> AsyncIterator[AsyncIterator[bytes]]:
        end = await watch_events.run(door.hub, actor, WatchEvents())
        if isinstance(end, Refused):
            raise stop(end)
        yield changes(Listener(door.hub, actor, still_valid(door, actor)), end, since)

    return EventStream(watched, front.streams, actor.owner)
