"""Looks at an MCP server for the hub: what it offers, in its own words."""

from __future__ import annotations

import json

from ai_worker.tools.mcp.servers import Strangers
from ai_worker.tools.pin import Place
from ai_worker.tools.port import ToolFailed
from ai_worker.translate import server_of
from aiox.runtime.tokens import TurnClaims
from aiox.wire.v1 import worker_pb2 as pb


async def look(asked: pb.McpLookAsked, claims: TurnClaims, strangers: Strangers | None) -> pb.McpLooked:
    """What a server offers, or a sentence on why that cannot be told."""
    said = pb.McpLooked(request_id=asked.request_id, owner_user_id=str(claims.owner))
    if strangers is None:
        said.error_text = "This worker meets no MCP servers."
        return said
    server, code = server_of(asked.server), tuple(strangers.code.items())
    try:
        found = await strangers.look(Place(server, asked.credential.api_key, tuple(asked.allowed_domains), code))
    except ToolFailed as why:
        said.error_text = str(why)[:500]
        return said
    said.tools = json.dumps([one.as_json for one in found]).encode()
    return said
