"""Reads one agent with its active version, prompt included: for its owner only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.acd import Descriptor, descriptor
from aiox.kernel.actions import Action
from aiox.kernel.errors import SENTENCES, ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from registry import agents, tenants
from registry.agents import AgentDetail

ACTION: Final = Action.AGENT_READ


class ReadAgent(Fields):
    """Which agent."""

    agent_id: AgentId


@dataclass(frozen=True, slots=True)
class AgentRead:
    """The agent as its owner sees it, and its descriptor (ACD)."""

    agent: AgentDetail
    system_prompt: str
    descriptor: Descriptor


async def run(hub: Hub, actor: Actor, fields: ReadAgent) -> AgentRead | Refused:
    """The agent. NOT_FOUND for unknown, deleted and foreign ones alike."""
    no = await refused_agent(hub, actor, ACTION, fields.agent_id)
    if no is not None:
        return no
    detail = await agents.load_detail(hub.pool, actor.owner, fields.agent_id)
    if detail is None:  # deleted since the gate looked
        return Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
    ring = await tenants.load_ring(hub.pool, hub.keys, actor.owner)
    version = detail.version
    acd = descriptor(detail.id, actor.owner, version.number, version.spec)
    return AgentRead(detail, version.open_prompt(ring), acd)
