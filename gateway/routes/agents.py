"""Agents of the signed-in account: the list, one of them, a new one, a change of its draft, its end."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Query, Response

from aiox.commands import create_agent, edit_agent, list_agents, read_agent, retire_agent
from aiox.commands.agent_draft import DraftRead
from aiox.commands.agent_fields import AgentFields, AgentPatch
from aiox.commands.create_agent import CreateAgent
from aiox.commands.edit_agent import PatchAgent, ReplaceAgent, WhichAgent
from aiox.commands.list_agents import ListAgents
from aiox.commands.read_agent import AgentRead, ReadAgent
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.cursors import After, Limit, cut, position_in
from gateway.errors import stop
from gateway.etags import IfMatch
from gateway.revisions import agent_etag, means
from gateway.routes.declared import declared
from gateway.schemas.agents import (
    AgentInList,
    AgentList,
    AgentOut,
    CreatedAgent,
    DocumentCounts,
    DraftOut,
    RetiredOut,
    ShortProfile,
    fields_of,
)
from gateway.schemas.common import problems
from registry.agents import AgentSummary
from registry.pages import Position

router = APIRouter(prefix="/v1/agents", tags=["agents"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
CHANGES: Final = problems(
    ErrorCode.UNAUTHENTICATED,
    ErrorCode.NOT_FOUND,
    ErrorCode.CONFLICT,
    ErrorCode.PRECONDITION_FAILED,
    ErrorCode.PROVIDER_NOT_ALLOWED,
    ErrorCode.BODY_TOO_LARGE,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    ErrorCode.BODY_INVALID,
)
"""The problems of a change of an agent."""


@router.get(
    "",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.BODY_INVALID),
    openapi_extra=declared(list_agents.ACTION),
)
async def list_mine(
    door: TheDoor,
    actor: TheActor,
    after: After = "",
    limit: Limit = 100,
    deleted: Annotated[bool, Query(description="those that are deleted and may be restored")] = False,
) -> AgentList:
    """Agents of the signed-in account, oldest first."""
    await door.limit(list_agents.ACTION, str(actor.owner), PER_MINUTE)
    asked = ListAgents(deleted=deleted, after=position_in("agents", after), limit=limit + 1)
    result = await list_agents.run(door.hub, actor, asked)
    if isinstance(result, Refused):
        raise stop(result)
    page, following = cut("agents", result, limit, lambda agent: Position(agent.created_at, agent.id))
    return AgentList(items=[_in_list(agent) for agent in page], next=following)


@router.post(
    "",
    status_code=201,
    responses=problems(
        ErrorCode.UNAUTHENTICATED,
        ErrorCode.CONFLICT,
        ErrorCode.PROVIDER_NOT_ALLOWED,
        ErrorCode.BODY_TOO_LARGE,
        ErrorCode.UNSUPPORTED_MEDIA_TYPE,
        ErrorCode.BODY_INVALID,
    ),
    openapi_extra=declared(create_agent.ACTION),
)
async def create(door: TheDoor, actor: TheActor, fields: CreateAgent, response: Response) -> CreatedAgent:
    """Creates an agent. It answers at its JID as soon as this returns."""
    await door.limit(create_agent.ACTION, str(actor.owner), PER_MINUTE)
    result = await create_agent.run(door.hub, actor, fields)
    if isinstance(result, Refused):
        raise stop(result)
    response.headers["Location"] = f"{router.prefix}/{result.agent_id}"
    response.headers["ETag"] = agent_etag(result.agent_id, result.revision)
    return CreatedAgent.model_validate(result)


@router.get(
    "/{agent_id}",
    response_model=AgentOut,
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(read_agent.ACTION),
)
async def read(door: TheDoor, actor: TheActor, agent_id: UUID) -> Response:
    """One agent with its active version and system prompt."""
    await door.limit(read_agent.ACTION, str(actor.owner), PER_MINUTE)
    result = await read_agent.run(door.hub, actor, ReadAgent(agent_id=AgentId(agent_id)))
    if isinstance(result, Refused):
        raise stop(result)
    headers = {"ETag": agent_etag(result.agent.id, result.agent.revision)}
    # As it is: a model that is given back would be checked once more, and this is the answer that is asked for most.
    return Response(_out(result).model_dump_json(), media_type="application/json", headers=headers)


@router.patch("/{agent_id}", responses=CHANGES, openapi_extra=declared(Action.AGENT_UPDATE))
async def update(
    door: TheDoor, actor: TheActor, agent_id: UUID, fields: AgentPatch, response: Response, if_match: IfMatch = None
) -> DraftOut:
    """Changes fields of the draft; what is active stays as it is until the draft is published."""
    await door.limit(edit_agent.UPDATE, str(actor.owner), PER_MINUTE)
    which = AgentId(agent_id)
    patch = PatchAgent.model_validate({**fields.model_dump(exclude_unset=True), "agent_id": which})
    result = await edit_agent.update(door.hub, actor, patch, means(if_match, which))
    return draft_out(result, response)


@router.put("/{agent_id}", responses=CHANGES, openapi_extra=declared(Action.AGENT_REPLACE))
async def replace(
    door: TheDoor, actor: TheActor, agent_id: UUID, fields: AgentFields, response: Response, if_match: IfMatch = None
) -> DraftOut:
    """Puts a whole agent in the draft's place; what is left out has its default."""
    await door.limit(edit_agent.REPLACE, str(actor.owner), PER_MINUTE)
    which = AgentId(agent_id)
    whole = ReplaceAgent.model_validate({**fields.model_dump(), "agent_id": which})
    return draft_out(await edit_agent.replace_whole(door.hub, actor, whole, means(if_match, which)), response)


@router.delete("/{agent_id}", responses=CHANGES, openapi_extra=declared(Action.AGENT_DELETE))
async def delete(door: TheDoor, actor: TheActor, agent_id: UUID, if_match: IfMatch = None) -> RetiredOut:
    """Deletes an agent: unknown to everyone from now on, and to be restored for 30 days (a setting of the hub)."""
    await door.limit(retire_agent.DELETE, str(actor.owner), PER_MINUTE)
    which = AgentId(agent_id)
    result = await retire_agent.delete(door.hub, actor, WhichAgent(agent_id=which), means(if_match, which))
    if isinstance(result, Refused):
        raise stop(result)
    return RetiredOut.model_validate(result)


def draft_out(result: DraftRead | Refused, response: Response) -> DraftOut:
    """A draft as JSON, with the agent's ETag. Raises Stopped."""
    if isinstance(result, Refused):
        raise stop(result)
    response.headers["ETag"] = agent_etag(result.agent_id, result.revision)
    draft = result.draft
    return DraftOut(
        **dict(fields_of(draft.spec, draft.system_prompt)),
        agent_id=result.agent_id,
        base_version=draft.base,
        policy_hash=draft.spec.policy_hash(),
        revision=result.revision,
        changed_at=draft.changed_at,
    )


def _in_list(agent: AgentSummary) -> AgentInList:
    return AgentInList(
        agent_id=agent.id,
        jid=agent.jid,
        alias=agent.alias,
        profile=ShortProfile(name=agent.name, description=agent.description, avatar=agent.avatar),
        visibility=agent.visibility,
        active_version=agent.active_version,
        has_draft=agent.has_draft,
        documents=DocumentCounts(
            ready=agent.documents_ready, waiting=agent.documents_waiting, failed=agent.documents_failed
        ),
        created_at=agent.created_at,
        deleted_at=agent.deleted_at,
    )


def _out(found: AgentRead) -> AgentOut:
    agent, version = found.agent, found.agent.version
    return AgentOut(
        **dict(fields_of(version.spec, found.system_prompt)),
        agent_id=agent.id,
        owner_user_id=version.owner,
        jid=agent.jid,
        alias=agent.alias,
        version=version.number,
        policy_hash=version.policy_hash,
        content_digest=version.content_digest,
        has_draft=agent.has_draft,
        shared_with=agent.shared_with,
        descriptor=found.descriptor,
        revision=agent.revision,
        created_at=agent.created_at,
    )
