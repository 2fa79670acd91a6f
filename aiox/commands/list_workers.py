"""The hub's workers and the queue before them, in figures: nothing of any owner."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.outcome import Refused
from policy.workers import Demand, Standing, wanted_workers
from registry import workers
from registry.workers import Signal, WorkerRow

ACTION: Final = Action.WORKER_LIST


class ListWorkers(Fields):
    """Nothing to ask for beyond the list itself."""


@dataclass(frozen=True, slots=True)
class WorkersListed:
    """The workers, and the scaling signal of the whole hub."""

    workers: Sequence[WorkerRow]
    demand: Demand
    wanted_workers: int


async def run(hub: Hub, actor: Actor, _fields: ListWorkers) -> WorkersListed | Refused:
    """For every account of the hub."""
    no = await refused(hub, actor, ACTION, actor.owner)
    return no if no is not None else await current(hub)


async def current(hub: Hub) -> WorkersListed:
    """The same as it stands now, for one who was let in and watches."""
    found = await workers.list_workers(hub.pool)
    demand = demand_of(found, await workers.load_signal(hub.pool))
    return WorkersListed(found, demand, wanted_workers(demand))


def demand_of(found: Sequence[WorkerRow], signal: Signal) -> Demand:
    """What the queues of the whole hub look like to the workers that answer."""
    there = [one for one in found if one.status is not Standing.UNAVAILABLE]
    return Demand(
        queued=signal.queued,
        oldest_wait_s=signal.oldest_wait_s,
        busy=sum(one.active for one in there),
        places=sum(one.capacity for one in there),
        workers=len(there),
    )
