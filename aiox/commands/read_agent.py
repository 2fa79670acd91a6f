"""Reads one agent with its active version, prompt included: for its owner only."""

from __future__ import annotations

import asyncio
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

    Row-level security shows nobody else's row, so the row itself is the fact to judge by. It is opened while the
    decision goes on record, which takes longest, and shown only when that is done.
    """
    detail = await agents.load_detail(hub.pool, actor.owner, fields.agent_id)
    judged = refused(hub, actor, ACTION, None if detail is None else actor.owner)
    no, found = await asyncio.gather(judged, _opened(hub, actor, detail))
    if no is not None or found is None:
        return hidden(no) or Refused(ErrorCode.NOT_FOUND, SENTENCES[ErrorCode.NOT_FOUND], ())
    return found


async def _opened(hub: Hub, actor: Actor, detail: AgentDetail | None) -> AgentRead | None:
    if detail is None:
        return None
    ring = await tenants.load_ring(hub.pool, hub.keys, actor.owner)
    version = detail.version
    acd = descriptor(detail.id, actor.owner, version.number, version.spec)
    return AgentRead(detail, version.open_prompt(ring), acd)
