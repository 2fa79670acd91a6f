"""Answers in your chats, while they are written."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, Response

from aiox.commands import watch_chats
from aiox.commands.watch_chats import WatchChats
from aiox.kernel.errors import ErrorCode
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.following import Listener, written
from gateway.front import TheFront
from gateway.routes.declared import declared
from gateway.routes.listening import EVENTS, still_valid
from gateway.schemas.common import problems
from gateway.streams import EventStream

router = APIRouter(prefix="/v1/live", tags=["messages"])

PER_MINUTE: Final = 30
"""Streams opened per account."""


@router.get(
    "",
    status_code=200,
    response_class=EventStream,
    responses=problems(ErrorCode.UNAUTHENTICATED) | EVENTS,
    openapi_extra=declared(watch_chats.ACTION),
)
async def watch(door: TheDoor, front: TheFront, actor: TheActor) -> Response:
    """Server-sent events: `ready`, then a `piece` for each piece of an answer in any of your chats, by XMPP.

    Pieces may be lost, and none is kept: the answer itself comes as a message. A comment comes every 15 s when it is
    quiet. Streams end with their token, after 14 minutes at most: connect again.
    """
    await door.limit(watch_chats.ACTION, str(actor.owner), PER_MINUTE)

    @asynccontextmanager
    async def watched() -> AsyncIterator[AsyncIterator[bytes]]:
        no = await watch_chats.run(door.hub, actor, WatchChats())
        if no is not None:
            raise stop(no)
        async with front.listen(actor.jid) as pieces:
            yield written(Listener(door.hub, actor, still_valid(door, actor)), pieces, front.want)

    return EventStream(watched, front.streams, actor.owner)
