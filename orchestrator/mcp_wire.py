"""MCP servers and their tools in the words of the worker link."""

from __future__ import annotations

from aiox.kernel.agent import McpServer
from aiox.kernel.mcp import McpTool
from aiox.wire.v1 import worker_pb2 as pb


def server_of(server: McpServer) -> pb.McpServer:
    """Where a worker finds it."""
    return pb.McpServer(name=server.name, transport=server.transport, command=server.command, url=server.url)


def pin_of(tool: McpTool) -> pb.McpPin:
    """Which tool may be called, while it is what it was."""
    return pb.McpPin(server=server_of(tool.server), tool=tool.seen.name, digest=tool.seen.digest)
