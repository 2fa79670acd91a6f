"""Sums up what all of an account's agents have used and cost, by day and by person: figures, never texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.outcome import Refused
from registry import executions
from registry.executions import DayUse, PersonUse

ACTION: Final = Action.USE_READ
PEOPLE: Final = 100
"""People at most; who has used least is left out."""


class ReadOwnerUse(Fields):
    """How many days back, today among them; days are those of UTC."""

    days: int = Field(30, ge=1, le=366)


@dataclass(frozen=True, slots=True)
class OwnerUse:
    """Of agents that are deleted, too."""

    by_day: Sequence[DayUse]
    by_person: Sequence[PersonUse]


async def run(hub: Hub, actor: Actor, fields: ReadOwnerUse) -> OwnerUse | Refused:
    """The actor's own use."""
    no = await refused(hub, actor, ACTION, actor.owner)
    if no is not None:
        return no
    today = hub.clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    since = today - timedelta(days=fields.days - 1)
    return OwnerUse(
        await executions.use_by_day(hub.pool, actor.owner, since),
        await executions.use_by_person(hub.pool, actor.owner, since, PEOPLE),
    )
