"""MCP servers of an agent: looked at, and their tools approved one by one."""

from __future__ import annotations

from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Path

from aiox.commands import mcp_servers
from aiox.commands.mcp_servers import (
    ApproveTool,
    GivenDigest,
    ServerShown,
    WhichAgentsServers,
    WhichServer,
    WhichTool,
)
from aiox.kernel.actions import Action
from aiox.kernel.agent import ServerName, Word
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.outcome import Refused
from gateway.access import TheActor, TheDoor
from gateway.errors import stop
from gateway.routes.declared import declared
from gateway.schemas.common import problems
from gateway.schemas.mcp import McpServerList, McpServerOut

router = APIRouter(prefix="/v1/agents/{agent_id}/mcp", tags=["mcp"])

PER_MINUTE: Final = 100
"""Requests per action and account."""
_CHANGES: Final = problems(
    ErrorCode.UNAUTHENTICATED,
    ErrorCode.NOT_FOUND,
    ErrorCode.CONFLICT,
    ErrorCode.BODY_TOO_LARGE,
    ErrorCode.UNSUPPORTED_MEDIA_TYPE,
    ErrorCode.BODY_INVALID,
)
Server = Annotated[ServerName, Path()]
Tool = Annotated[Word, Path()]


@router.get(
    "", responses=problems(ErrorCode.UNAUTHENTICATED, ErrorCode.NOT_FOUND), openapi_extra=declared(Action.MCP_LIST)
)
async def list_all(door: TheDoor, actor: TheActor, agent_id: UUID) -> McpServerList:
    """The servers of the active version, what each was seen to offer, and how each tool stands."""
    await door.limit(Action.MCP_LIST, str(actor.owner), PER_MINUTE)
    found = await mcp_servers.list_all(door.hub, actor, WhichAgentsServers(agent_id=AgentId(agent_id)))
    if isinstance(found, Refused):
        raise stop(found)
    return McpServerList(items=[McpServerOut.model_validate(one) for one in found])


@router.post("/{server}/look", status_code=202, responses=_CHANGES, openapi_extra=declared(Action.MCP_LOOK))
async def look(door: TheDoor, actor: TheActor, agent_id: UUID, server: Server) -> McpServerOut:
    """Has a worker look at what the server offers; read the list again until its state is not `asked` any more."""
    await door.limit(Action.MCP_LOOK, str(actor.owner), PER_MINUTE)
    return _out(await mcp_servers.look(door.hub, actor, WhichServer(agent_id=AgentId(agent_id), server=server)))


@router.put("/{server}/tools/{tool}/approval", responses=_CHANGES, openapi_extra=declared(Action.MCP_APPROVE))
async def approve(
    door: TheDoor, actor: TheActor, agent_id: UUID, server: Server, tool: Tool, given: GivenDigest
) -> McpServerOut:
    """Lets the agent ask for this tool while it is what the digest says. A change of it takes the approval away."""
    await door.limit(Action.MCP_APPROVE, str(actor.owner), PER_MINUTE)
    fields = ApproveTool(agent_id=AgentId(agent_id), server=server, tool=tool, digest=given.digest)
    return _out(await mcp_servers.approve(door.hub, actor, fields))


@router.delete("/{server}/tools/{tool}/approval", responses=_CHANGES, openapi_extra=declared(Action.MCP_WITHDRAW))
async def withdraw(door: TheDoor, actor: TheActor, agent_id: UUID, server: Server, tool: Tool) -> McpServerOut:
    """Takes an approval back: the tool is not called any more."""
    await door.limit(Action.MCP_WITHDRAW, str(actor.owner), PER_MINUTE)
    fields = WhichTool(agent_id=AgentId(agent_id), server=server, tool=tool)
    return _out(await mcp_servers.withdraw(door.hub, actor, fields))


def _out(found: ServerShown | Refused) -> McpServerOut:
    if isinstance(found, Refused):
        raise stop(found)
    return McpServerOut.model_validate(found)
