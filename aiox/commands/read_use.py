"""Sums up what an agent's turns have used and cost, by model: figures, never texts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import executions
from registry.executions import ModelUse

ACTION: Final = Action.EXECUTION_COST


class ReadUse(Fields):
    """Whose use, and how many days back."""

    agent_id: AgentId
    days: int = Field(30, ge=1, le=366)


async def run(hub: Hub, actor: Actor, fields: ReadUse) -> Sequence[ModelUse] | Refused:
    """By model, the most used first. NOT_FOUND for unknown, deleted and foreign agents alike."""
    no = await refused_agent(hub, actor, ACTION, fields.agent_id)
    if no is not None:
        return no
    since = hub.clock.now() - timedelta(days=fields.days)
    return await executions.use_of_agent(hub.pool, actor.owner, fields.agent_id, since)
