"""An MCP server that nobody runs, seen as if a worker had looked at it."""

from __future__ import annotations

import json
from uuid import UUID

from aiox.kernel.agent import McpServer
from aiox.kernel.ids import AgentId
from aiox.kernel.mcp import seen_tool
from registry.mcp_servers import server_id
from tests.e2e.database import superuser
from tests.e2e.tool_hub import ToolHub


async def seen(web: ToolHub, agent: str, description: str) -> None:
    """What a worker would have found at the server."""
    server = McpServer.model_validate({"name": "files", "transport": "http", "url": "https://files.example.org/mcp"})
    found = seen_tool(server, "read", description, {"type": "object"})
    assert found is not None
    async with superuser(web.hub) as connection:
        await connection.execute(
            "INSERT INTO mcp_servers (id, owner_user_id, agent_id, server, state, seen, created_at)"
            " SELECT $1, owner_user_id, id, 'files', 'ready', $3, now() FROM agents WHERE id = $2"
            " ON CONFLICT (id) DO UPDATE SET state = 'ready', error = '', seen = EXCLUDED.seen",
            server_id(AgentId(UUID(agent)), "files"),
            UUID(agent),
            json.dumps([found.as_json]),
        )
