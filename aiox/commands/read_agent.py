"""Reads one agent with its active version, prompt included: for its owner only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import hidden, refused
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
    """The agent. NOT_FOUND for unknown, deleted and foreign ones alike.

    Row-level security shows nobody else's row, so the row itself is the fact to judge by.
    """
    detail = await agents.load_detail(hub.pool, actor.owner, fields.agent_id)
    no = await refused(hub, actor, ACTION, None if detail is None else actor.owner)
    if no is not None or detail is None:
        return hidden(no) or Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
    version = detail.version
    ring = tenants.unwrapped(hub.keys, actor.owner, detail.wrapped_keys)
    acd = descriptor(detail.id, actor.owner, version.number, version.spec, version.policy_hash)
    return AgentRead(detail, version.open_prompt(ring), acd)
