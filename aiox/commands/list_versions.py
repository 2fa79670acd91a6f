"""An agent's versions: the list, and one of them whole. For the owner only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from pydantic import Field

from aiox.commands.agent_change import UNKNOWN
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.publish_agent import VersionNumber
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import owner_scope
from registry import agent_versions, tenants
from registry.agent_versions import StoredVersion

LIST: Final = Action.VERSION_LIST
READ: Final = Action.VERSION_READ


class ListVersions(Fields):
    """Whose versions: those with numbers under `below`, so many at most."""

    agent_id: AgentId
    below: VersionNumber = 1_000_000
    limit: int = Field(50, ge=1, le=201)


class ReadVersion(Fields):
    """Which version of which agent."""

    agent_id: AgentId
    version: VersionNumber


@dataclass(frozen=True, slots=True)
class VersionSummary:
    """What the list shows of a version."""

    version: int
    name: str
    policy_hash: str
    content_digest: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class VersionRead:
    """A version with its prompt in clear."""

    version: StoredVersion
    system_prompt: str


async def run(hub: Hub, actor: Actor, fields: ListVersions) -> Sequence[VersionSummary] | Refused:
    """The versions, the newest first. NOT_FOUND for unknown, deleted and foreign agents alike."""
    no = await refused_agent(hub, actor, LIST, fields.agent_id)
    if no is not None:
        return no
    async with owner_scope(hub.pool, actor.owner) as connection:
        found = await agent_versions.list_of_agent(connection, actor.owner, fields.agent_id, fields.below, fields.limit)
    return [VersionSummary(one.number, one.name, one.policy_hash, one.content_digest, one.created_at) for one in found]


async def read(hub: Hub, actor: Actor, fields: ReadVersion) -> VersionRead | Refused:
    """One version. NOT_FOUND for unknown versions, and unknown, deleted and foreign agents alike."""
    no = await refused_agent(hub, actor, READ, fields.agent_id)
    if no is not None:
        return no
    async with owner_scope(hub.pool, actor.owner) as connection:
        found = await agent_versions.find(connection, actor.owner, fields.agent_id, fields.version)
        if found is None:
            return UNKNOWN
        ring = await tenants.ring_of(connection, hub.keys, actor.owner)
    return VersionRead(found, found.open_prompt(ring))
