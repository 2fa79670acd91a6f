"""MCP servers of an agent, as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from gateway.schemas.common import Out
from policy.mcp import Standing
from registry.mcp_servers import LookState


class McpToolOut(Out):
    """A tool and how it stands. `description` and `input_schema` are its server's words; `called` its name for models.

    `digest` is over the server's address and all that is said of the tool; `pinned` the one that may be called.
    """

    tool: str
    called: str
    standing: Standing
    digest: str
    pinned: str
    description: str
    input_schema: Mapping[str, Any]


class McpServerOut(Out):
    """A server of the active version, as it was seen last. `state` is null before anybody looked at it."""

    server: str
    transport: str
    state: LookState | None
    error: str
    looked_at: datetime | None
    tools: Sequence[McpToolOut]


class McpServerList(Out):
    """The servers of one agent."""

    items: Sequence[McpServerOut]
