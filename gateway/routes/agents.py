"""Agents of the signed-in account."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from fastapi import APIRouter, Response

from aiox.commands import create_agent, list_agents, read_agent
from aiox.commands.create_agent import CreateAgent
from aiox.commands.list_agents import ListAgents
from aiox.commands.read_agent import AgentRead, ReadAgent
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.agents import AgentInList, AgentList, AgentOut, CreatedAgent, DocumentCounts
from gateway.schemas.common import problems
from registry.agents import AgentSummary

router = APIRouter(prefix="/v1/agents", tags=["agents"])

PER_MINUTE: Final = 100
"""Requests per action and account."""


@router.get(
    "",
    responses=problems(ErrorCode.UNAUTHENTICATED),
    openapi_extra=declared(list_agents.ACTION),
)
async def list_mine(door: TheDoor, actor: TheActor) -> AgentList:
    """All agents of the signed-in account, oldest first."""
    await door.limit(list_agents.ACTION, str(actor.owner), PER_MINUTE)
    result = await list_agents.run(door.hub, actor, ListAgents())
    if isinstance(result, Refused):
        raise stop(result)
    return AgentList(items=[_in_list(agent) for agent in result])


@router.post(
    "",
    status_code=201,
    responses=problems(
        ErrorCode.UNAUTHENTICATED,
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
    return CreatedAgent.model_validate(result)


@router.get(
    "/{agent_id}",
    responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND),
    openapi_extra=declared(read_agent.ACTION),
)
async def read(door: TheDoor, actor: TheActor, agent_id: UUID) -> AgentOut:
    """One agent with its active version and system prompt."""
    await door.limit(read_agent.ACTION, str(actor.owner), PER_MINUTE)
    result = await read_agent.run(door.hub, actor, ReadAgent(agent_id=AgentId(agent_id)))
    if isinstance(result, Refused):
        raise stop(result)
    return _out(result)


def _in_list(agent: AgentSummary) -> AgentInList:
    return AgentInList(
        agent_id=agent.id,
        jid=agent.jid,
        name=agent.name,
        description=agent.description,
        visibility=agent.visibility,
        active_version=agent.active_version,
        documents=DocumentCounts(
            ready=agent.documents_ready, waiting=agent.documents_waiting, failed=agent.documents_failed
        ),
        created_at=agent.created_at,
    )


def _out(found: AgentRead) -> AgentOut:
    version = found.agent.version
    return AgentOut(
        agent_id=found.agent.id,
        owner_user_id=version.owner,
        jid=found.agent.jid,
        version=version.number,
        policy_hash=version.policy_hash,
        spec=version.spec,
        system_prompt=found.system_prompt,
        shared_with=found.agent.shared_with,
        descriptor=found.descriptor,
        created_at=found.agent.created_at,
    )
