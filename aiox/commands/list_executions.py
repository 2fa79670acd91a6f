"""Lists an agent's turns: ids and figures, never texts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydantic import Field

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import executions
from registry.executions import ExecutionSummary

ACTION: Final = Action.EXECUTION_LIST


class ListExecutions(Fields):
    """Whose turns, and how many at most, the newest first."""

    agent_id: AgentId
    limit: int = Field(50, ge=1, le=200)


async def run(hub: Hub, actor: Actor, fields: ListExecutions) -> Sequence[ExecutionSummary] | Refused:
    """The turns. NOT_FOUND for unknown, deleted and foreign agents alike."""
    no = await refused_agent(hub, actor, ACTION, fields.agent_id)
    if no is not None:
        return no
    return await executions.list_of_agent(hub.pool, actor.owner, fields.agent_id, fields.limit)
