"""An agent's draft and versions: look, compare, publish, roll back."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from aiox.commands import agent_draft, edit_agent, list_versions, publish_agent
from aiox.commands.agent_draft import DiffAgent, ReadDraft, Side
from aiox.commands.edit_agent import WhichAgent
from aiox.commands.fields import Fields
from aiox.commands.list_versions import ListVersions, ReadVersion
from aiox.commands.publish_agent import RollbackAgent, VersionActive, VersionNumber
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.cursors import Limit
from gateway.errors import stop
from gateway.etags import IfMatch
from gateway.revisions import agent_etag, means
from gateway.routes.agents import CHANGES, PER_MINUTE, draft_out
from gateway.routes.declared import declared
from gateway.schemas.agents import (
    ActiveVersion,
    DiffOut,
    DraftOut,
    FieldChange,
    RevisionOut,
    VersionInList,
    VersionList,
    VersionOut,
    fields_of,
)
from gateway.schemas.common import problems

router = APIRouter(prefix="/v1/agents/{agent_id}", tags=["agent versions"])

_READS: Final = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND)
_ASKS: Final = problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND, ErrorCode.BODY_INVALID)


class GivenVersion(Fields):
    """A version by its number."""

    version: VersionNumber


class Confirmed(Fields):
    """Nothing to say but that it is to be done: `{}`."""


@router.get("/draft", responses=_READS, openapi_extra=declared(Action.DRAFT_READ))
async def read_draft(door: TheDoor, actor: TheActor, agent_id: UUID, response: Response) -> DraftOut:
    """The draft; there is none while nothing differs from what is active."""
    await door.limit(agent_draft.READ, str(actor.owner), PER_MINUTE)
    return draft_out(await agent_draft.read(door.hub, actor, ReadDraft(agent_id=AgentId(agent_id))), response)


@router.delete("/draft", responses=CHANGES, openapi_extra=declared(Action.DRAFT_DISCARD))
async def discard_draft(
    door: TheDoor, actor: TheActor, agent_id: UUID, response: Response, if_match: IfMatch = None
) -> RevisionOut:
    """Throws the draft away."""
    await door.limit(edit_agent.DISCARD, str(actor.owner), PER_MINUTE)
    which = AgentId(agent_id)
    result = await edit_agent.discard(door.hub, actor, WhichAgent(agent_id=which), means(if_match, which))
    if isinstance(result, Refused):
        raise stop(result)
    response.headers["ETag"] = agent_etag(which, result)
    return RevisionOut(revision=result)


@router.get("/diff", responses=_ASKS, openapi_extra=declared(Action.AGENT_DIFF))
async def diff(
    door: TheDoor,
    actor: TheActor,
    agent_id: UUID,
    before: Annotated[Side, Query(description="a version's number, `active` or `draft`")] = "active",
    after: Annotated[Side, Query(description="a version's number, `active` or `draft`")] = "draft",
) -> DiffOut:
    """What one version, or the draft, changes against another."""
    await door.limit(agent_draft.DIFF, str(actor.owner), PER_MINUTE)
    asked = DiffAgent(agent_id=AgentId(agent_id), before=before, after=after)
    result = await agent_draft.diff(door.hub, actor, asked)
    if isinstance(result, Refused):
        raise stop(result)
    return DiffOut(
        before=result.before,
        after=result.after,
        changes=[FieldChange.model_validate(one) for one in result.changes],
        system_prompt_changed=result.prompt_changed,
        system_prompt=result.prompt_lines,
    )


@router.post("/publish", responses=CHANGES, openapi_extra=declared(Action.AGENT_PUBLISH))
async def publish(
    door: TheDoor,
    actor: TheActor,
    agent_id: UUID,
    _confirmed: Confirmed,
    response: Response,
    if_match: IfMatch = None,
) -> ActiveVersion:
    """Makes the draft the next version, which turns begin with from now on."""
    await door.limit(publish_agent.PUBLISH, str(actor.owner), PER_MINUTE)
    which = AgentId(agent_id)
    result = await publish_agent.publish(door.hub, actor, WhichAgent(agent_id=which), means(if_match, which))
    return _active(result, response)


@router.post("/rollback", responses=CHANGES, openapi_extra=declared(Action.AGENT_ROLLBACK))
async def rollback(
    door: TheDoor, actor: TheActor, agent_id: UUID, fields: GivenVersion, response: Response, if_match: IfMatch = None
) -> ActiveVersion:
    """Points the agent at another of its versions; nothing new is published, and the draft stays."""
    await door.limit(publish_agent.ROLLBACK, str(actor.owner), PER_MINUTE)
    which = AgentId(agent_id)
    asked = RollbackAgent(agent_id=which, version=fields.version)
    return _active(await publish_agent.rollback(door.hub, actor, asked, means(if_match, which)), response)


@router.get("/versions", responses=_ASKS, openapi_extra=declared(Action.VERSION_LIST))
async def list_all(
    door: TheDoor,
    actor: TheActor,
    agent_id: UUID,
    below: Annotated[int, Query(ge=1, le=1_000_000, description="only versions with smaller numbers")] = 1_000_000,
    limit: Limit = 50,
) -> VersionList:
    """The versions, the newest first."""
    await door.limit(list_versions.LIST, str(actor.owner), PER_MINUTE)
    asked = ListVersions(agent_id=AgentId(agent_id), below=below, limit=limit + 1)
    result = await list_versions.run(door.hub, actor, asked)
    if isinstance(result, Refused):
        raise stop(result)
    following = result[limit - 1].version if len(result) > limit else None
    return VersionList(items=[VersionInList.model_validate(one) for one in result[:limit]], next=following)


@router.get("/versions/{version}", responses=_READS, openapi_extra=declared(Action.VERSION_READ))
async def read_version(door: TheDoor, actor: TheActor, agent_id: UUID, version: VersionNumber) -> VersionOut:
    """One version whole, as it was published."""
    await door.limit(list_versions.READ, str(actor.owner), PER_MINUTE)
    result = await list_versions.read(door.hub, actor, ReadVersion(agent_id=AgentId(agent_id), version=version))
    if isinstance(result, Refused):
        raise stop(result)
    found = result.version
    return VersionOut(
        **dict(fields_of(found.spec, result.system_prompt)),
        agent_id=found.agent_id,
        version=found.number,
        policy_hash=found.policy_hash,
        content_digest=found.content_digest,
        created_at=found.created_at,
    )


def _active(result: VersionActive | Refused, response: Response) -> ActiveVersion:
    if isinstance(result, Refused):
        raise stop(result)
    response.headers["ETag"] = agent_etag(result.agent_id, result.revision)
    return ActiveVersion.model_validate(result)
