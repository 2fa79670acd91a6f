"""Reads what the actor and an agent said to each other, by whichever door. Of other correspondents nothing.

The agent may be somebody else's; its owner reads here what they said to it themselves, not what guests did (SPEC 3).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_related
from aiox.kernel.actions import Action
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import history, tenants
from registry.pages import MOST, Position

ACTION: Final = Action.HISTORY_READ


class ReadHistory(Fields):
    """With which agent, behind which turn, how many at most."""

    agent_id: AgentId
    before: Position | None = None
    limit: int = Field(50, ge=1, le=MOST + 1)


@dataclass(frozen=True, slots=True)
class Said:
    """One turn. The texts are None where the agent stores none."""

    id: UUID
    said: str | None
    answered: str | None
    outcome: str
    created_at: datetime


async def run(hub: Hub, actor: Actor, fields: ReadHistory) -> Sequence[Said] | Refused:
    """The turns, newest first. NOT_FOUND for agents that the actor may not talk to."""
    no = await refused_related(hub, actor, ACTION, fields.agent_id)
    if no is not None:
        return no
    turns = await history.of_subject(hub.pool, fields.agent_id, actor.jid, fields.before, fields.limit)
    if not turns:
        return []
    ring = await tenants.load_ring(hub.pool, hub.keys, turns[0].owner)  # of the agent's one owner
    return [Said(turn.id, *turn.texts(ring), turn.outcome, turn.created_at) for turn in turns]
