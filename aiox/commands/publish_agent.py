"""Publishes a draft as the next version, or points the agent back at an earlier one. Versions never change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final
from uuid import uuid4

from pydantic import Field

from aiox.commands.agent_change import UNKNOWN, Change, IsCurrent, any_revision, change
from aiox.commands.allowed_models import refused_models
from aiox.commands.edit_agent import NO_DRAFT, WhichAgent
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.kernel.actions import Action
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId, VersionId
from aiox.kernel.outcome import Refused
from registry import agent_changes, agent_drafts, agent_versions
from registry.agent_versions import NewVersion, StoredVersion

PUBLISH: Final = Action.AGENT_PUBLISH
ROLLBACK: Final = Action.AGENT_ROLLBACK
_ACTIVE_ALREADY: Final = Refused(ErrorCode.CONFLICT, "This version is the active one.", ("V2 active",))

VersionNumber = Annotated[int, Field(ge=1, le=1_000_000)]


class RollbackAgent(Fields):
    """Which agent, and to which of its versions."""

    agent_id: AgentId
    version: VersionNumber


@dataclass(frozen=True, slots=True)
class VersionActive:
    """The version that turns begin with from now on; turns under way keep theirs."""

    agent_id: AgentId
    version: int
    policy_hash: str
    content_digest: str
    revision: int


async def publish(
    hub: Hub, actor: Actor, fields: WhichAgent, is_current: IsCurrent = any_revision
) -> VersionActive | Refused:
    """Makes the draft a version and activates it. CONFLICT when there is no draft, and else as `change`."""
    return await change(hub, actor, PUBLISH, fields.agent_id, is_current, _publish)


async def rollback(
    hub: Hub, actor: Actor, fields: RollbackAgent, is_current: IsCurrent = any_revision
) -> VersionActive | Refused:
    """Activates an earlier (or later) version; nothing new is published, and the draft stays.

    NOT_FOUND for a version that the agent has not, CONFLICT for the active one, and else as `change`.
    """

    async def work(changing: Change) -> VersionActive | Refused:
        held = changing.held
        if held.active.number == fields.version:
            return _ACTIVE_ALREADY
        found = await agent_versions.find(changing.connection, held.owner, held.id, fields.version)
        if found is None:
            return UNKNOWN
        no = refused_models(hub, found.spec.llm_config, found.spec.memory_config)
        return no or await _activate(changing, found, "agent.rolled_back")

    return await change(hub, actor, ROLLBACK, fields.agent_id, is_current, work)


async def _publish(changing: Change) -> VersionActive | Refused:
    held = changing.held
    draft = await agent_drafts.load(changing.connection, changing.ring, held.owner, held.id)
    if draft is None:
        return NO_DRAFT
    no = refused_models(changing.hub, draft.spec.llm_config, draft.spec.memory_config)
    if no is not None:
        return no
    number = 1 + await agent_versions.newest_number(changing.connection, held.owner, held.id)
    version = NewVersion(VersionId(uuid4()), held.owner, held.id, number, draft.spec, draft.system_prompt, changing.now)
    await agent_versions.insert(changing.connection, changing.ring, version)
    await agent_drafts.discard(changing.connection, held.owner, held.id)
    return await _activate(changing, version, "agent.published")


async def _activate(changing: Change, version: NewVersion | StoredVersion, event: str) -> VersionActive:
    policy_hash = version.spec.policy_hash()
    await agent_changes.activate(changing.connection, version, changing.now)
    details: dict[str, Json] = {
        "version": version.number,
        "version_before": changing.held.active.number,
        "content_digest": version.content_digest,
        "policy_hash": policy_hash,
    }
    revision = await changing.done(event, details)
    return VersionActive(changing.held.id, version.number, policy_hash, version.content_digest, revision)
