"""Workers of the hub, and whether there are enough of them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from fastapi import APIRouter, Request, Response

from aiox.commands import list_workers
from aiox.commands.list_workers import ListWorkers
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway import following
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.following import Listener
from gateway.front import TheFront
from gateway.routes.declared import declared
from gateway.routes.listening import EVENTS, still_valid, wants_events
from gateway.schemas.common import problems
from gateway.schemas.workers import WorkerList, worker_list
from gateway.streams import EventStream

router = APIRouter(prefix="/v1/workers", tags=["workers"])

PER_MINUTE: Final = 100
"""Requests per account."""


@router.get(
    "",
    response_model=WorkerList,
    responses=problems(ErrorCode.UNAUTHENTICATED) | EVENTS,
    openapi_extra=declared(list_workers.ACTION),
)
async def list_all(request: Request, door: TheDoor, front: TheFront, actor: TheActor) -> WorkerList | Response:
    """Every worker heard of within a day, and the scaling signal of the hub.

    With `Accept: text/event-stream`, an event `workers` with the same now, and again whenever it is another way.
    """
    await door.limit(list_workers.ACTION, str(actor.owner), PER_MINUTE)
    result = await list_workers.run(door.hub, actor, ListWorkers())
    if isinstance(result, Refused):
        raise stop(result)

    @asynccontextmanager
    async def watched() -> AsyncIterator[AsyncIterator[bytes]]:
        yield following.workers(Listener(door.hub, actor, still_valid(door, actor)))

    if wants_events(request):
        return EventStream(watched, front.streams, actor.owner)
    return worker_list(result)
