"""Workers of the hub, and whether there are enough of them."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter

from aiox.commands import list_workers
from aiox.commands.list_workers import ListWorkers
from aiox.kernel.errors import ErrorCode
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.workers import QueueOut, WorkerList, WorkerOut

router = APIRouter(prefix="/v1/workers", tags=["workers"])

PER_MINUTE: Final = 100
"""Requests per account."""


@router.get(
    "",
    responses=problems(ErrorCode.UNAUTHENTICATED),
    openapi_extra=declared(list_workers.ACTION),
)
async def list_all(door: TheDoor, actor: TheActor) -> WorkerList:
    """Every worker heard of within a day, and the scaling signal of the hub."""
    await door.limit(list_workers.ACTION, str(actor.owner), PER_MINUTE)
    result = await list_workers.run(door.hub, actor, ListWorkers())
    if isinstance(result, Refused):
        raise stop(result)
    return WorkerList(
        items=[WorkerOut.model_validate(worker) for worker in result.workers],
        queue=QueueOut(
            depth=result.demand.queued,
            oldest_wait_s=result.demand.oldest_wait_s,
            busy=result.demand.busy,
            places=result.demand.places,
            wanted_workers=result.wanted_workers,
        ),
    )
