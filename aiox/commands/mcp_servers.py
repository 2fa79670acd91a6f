"""MCP servers of an agent: what they offer, how each tool stands, and the owner's word on it.

A tool is called only while it is what was approved; a server is looked at by a worker, never by who asks here.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final

from aiox.commands.agent_change import changed
from aiox.commands.fields import Fields
from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused_agent
from aiox.kernel.actions import Action
from aiox.kernel.agent import McpServer, ServerName, Sha256, Word
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import AgentId
from aiox.kernel.mcp import SeenTool, tool_name
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import Connection, owner_scope
from policy.mcp import Known, Standing, pinned, standing
from registry import agents, ledger, mcp_servers
from registry.mcp_servers import LookState, StoredServer

APPROVED: Final = "mcp.approved"
WITHDRAWN: Final = "mcp.withdrawn"
ASKED: Final = "mcp.asked"
_NO_SERVER: Final = Refused(
    ErrorCode.NOT_FOUND, "The agent's active version has no MCP server of that name.", ("M0 server",)
)
_NO_TOOL: Final = Refused(
    ErrorCode.NOT_FOUND, "The server was not seen with a tool of that name. Look at it first.", ("M1 tool",)
)
_NOT_LISTED: Final = Refused(
    ErrorCode.CONFLICT, "The agent's allowed_tools do not name this tool. Publish a version that does.", ("M2 listed",)
)
_OTHER: Final = Refused(
    ErrorCode.CONFLICT, "The tool is not what you have seen: its digest is another. Look at it again.", ("M3 digest",)
)
_PINNED: Final = Refused(
    ErrorCode.CONFLICT, "The agent's schema_digests pin this tool. Publish a version that pins another.", ("M4 pinned",)
)


class WhichAgentsServers(Fields):
    """Whose."""

    agent_id: AgentId


class WhichServer(WhichAgentsServers):
    """One server of the active version."""

    server: ServerName


class GivenDigest(Fields):
    """What the owner has seen, and means."""

    digest: Sha256


class WhichTool(WhichServer):
    """One of its tools."""

    tool: Word


class ApproveTool(WhichTool, GivenDigest):
    """One of its tools, as it was seen."""


@dataclass(frozen=True, slots=True)
class ToolShown:
    """A tool, how it stands, and what its server says of it. `called` is its name in a model's call."""

    tool: str
    called: str
    standing: Standing
    digest: str
    pinned: str
    description: str
    input_schema: Json


@dataclass(frozen=True, slots=True)
class ServerShown:
    """A server of the active version. `state` is None before it was ever looked at."""

    server: str
    transport: str
    state: LookState | None
    error: str
    looked_at: datetime | None
    tools: Sequence[ToolShown]


async def list_all(hub: Hub, actor: Actor, fields: WhichAgentsServers) -> Sequence[ServerShown] | Refused:
    """All servers of the active version with their tools. NOT_FOUND for unknown, deleted and foreign agents alike."""
    no = await refused_agent(hub, actor, Action.MCP_LIST, fields.agent_id)
    if no is not None:
        return no
    servers = await _servers(hub, actor, fields.agent_id)
    async with owner_scope(hub.pool, actor.owner) as connection:
        stored = await mcp_servers.of_agent(connection, actor.owner, fields.agent_id)
    return [_shown(one, stored.get(one.name)) for one in servers]


async def look(hub: Hub, actor: Actor, fields: WhichServer) -> ServerShown | Refused:
    """Has a worker look at what a server offers, within seconds. NOT_FOUND also for a server that is not there."""
    no = await refused_agent(hub, actor, Action.MCP_LOOK, fields.agent_id)
    server = await _server(hub, actor, fields) if no is None else None
    if server is None:
        return no or _NO_SERVER
    async with owner_scope(hub.pool, actor.owner) as connection:
        await mcp_servers.ask(connection, actor.owner, fields.agent_id, server.name, hub.clock.now())
        row = await changed(hub, actor, ASKED, fields.agent_id, {"server": server.name})
        await ledger.append(connection, [row])
        stored = await mcp_servers.of_agent(connection, actor.owner, fields.agent_id)
    return _shown(server, stored[server.name])


async def approve(hub: Hub, actor: Actor, fields: ApproveTool) -> ServerShown | Refused:
    """Lets the agent ask for a tool while it is what `digest` says.

    NOT_FOUND for what is not there, CONFLICT for a tool that is another by now, not listed, or pinned by the version.
    """

    def work(server: McpServer, known: Known) -> dict[str, str] | Refused:
        seen = next((one for one in known.seen if one.name == fields.tool), None)
        if seen is None:
            return _NO_TOOL
        if fields.tool not in server.allowed_tools:
            return _NOT_LISTED
        if seen.digest != fields.digest:
            return _OTHER
        if server.schema_digests.get(fields.tool, fields.digest) != fields.digest:
            return _PINNED
        return {**known.approved, fields.tool: fields.digest}

    return await _decide(hub, actor, fields, Action.MCP_APPROVE, partial(_row, hub, actor, APPROVED, fields), work)


async def withdraw(hub: Hub, actor: Actor, fields: WhichTool) -> ServerShown | Refused:
    """Takes an approval back: from now on the tool is not called. NOT_FOUND where there is none."""

    def work(server: McpServer, known: Known) -> dict[str, str] | Refused:
        if fields.tool in server.schema_digests:
            return _PINNED
        if fields.tool not in known.approved:
            return _NO_TOOL
        return {name: digest for name, digest in known.approved.items() if name != fields.tool}

    return await _decide(hub, actor, fields, Action.MCP_WITHDRAW, partial(_row, hub, actor, WITHDRAWN, fields), work)


_Work = Callable[[McpServer, Known], dict[str, str] | Refused]


async def _decide(
    hub: Hub,
    actor: Actor,
    fields: WhichTool,
    action: Action,
    note: Callable[[Connection, str], Awaitable[None]],
    work: _Work,
) -> ServerShown | Refused:
    """One change of what is approved, on the locked row, on record in the same commit."""
    no = await refused_agent(hub, actor, action, fields.agent_id)
    server = await _server(hub, actor, fields) if no is None else None
    if server is None:
        return no or _NO_SERVER
    which = mcp_servers.server_id(fields.agent_id, server.name)
    async with owner_scope(hub.pool, actor.owner) as connection:
        stored = await mcp_servers.hold(connection, actor.owner, which)
        approved = _NO_TOOL if stored is None else work(server, stored.known)
        if isinstance(approved, Refused):
            return approved
        await mcp_servers.approve(connection, actor.owner, which, approved)
        await note(connection, approved.get(fields.tool, ""))
        stored = (await mcp_servers.of_agent(connection, actor.owner, fields.agent_id))[server.name]
    return _shown(server, stored)


async def _row(hub: Hub, actor: Actor, event: str, fields: WhichTool, connection: Connection, digest: str) -> None:
    details: dict[str, Json] = {"server": fields.server, "tool": fields.tool, "digest": digest}
    await ledger.append(connection, [await changed(hub, actor, event, fields.agent_id, details)])


async def _servers(hub: Hub, actor: Actor, agent_id: AgentId) -> Sequence[McpServer]:
    found = await agents.load_detail(hub.pool, actor.owner, agent_id)
    return () if found is None else found.version.spec.mcp_servers


async def _server(hub: Hub, actor: Actor, fields: WhichServer) -> McpServer | None:
    servers = await _servers(hub, actor, fields.agent_id)
    return next((one for one in servers if one.name == fields.server), None)


def _shown(server: McpServer, stored: StoredServer | None) -> ServerShown:
    known = stored.known if stored else Known()
    seen = {one.name: one for one in known.seen}
    names = sorted({*seen, *server.allowed_tools})
    return ServerShown(
        server=server.name,
        transport=server.transport,
        state=stored.state if stored else None,
        error=stored.error if stored else "",
        looked_at=stored.looked_at if stored else None,
        tools=[_tool(server, name, seen.get(name), known) for name in names],
    )


def _tool(server: McpServer, name: str, seen: SeenTool | None, known: Known) -> ToolShown:
    return ToolShown(
        tool=name,
        called=tool_name(server.name, name),
        standing=standing(server, name, known),
        digest=seen.digest if seen else "",
        pinned=pinned(server, name, known.approved),
        description=seen.description if seen else "",
        input_schema=seen.schema if seen else {},
    )
