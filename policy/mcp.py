"""Which tools of an agent's MCP servers a turn may ask for: those that are what was pinned. Silence is no. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from aiox.kernel.agent import McpServer
from aiox.kernel.mcp import McpTool, SeenTool, tool_name
from policy.tools import AllowedTools


class Standing(StrEnum):
    """How a tool stands."""

    APPROVED = "approved"
    """It is what was pinned, and the agent may ask for it."""
    NEW = "new"
    """Nobody has approved it yet."""
    CHANGED = "changed"
    """It is not what was pinned: it is not called until it is approved again."""
    GONE = "gone"
    """It was approved, and its server does not have it any more."""
    NOT_LISTED = "not_listed"
    """The agent's `allowed_tools` do not name it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the hub knows of one server: what it said last, and what was approved, digest by name of the tool."""

    seen: Sequence[SeenTool] = ()
    approved: Mapping[str, str] = field(default_factory=dict)


def pinned(server: McpServer, tool: str, approved: Mapping[str, str]) -> str:
    """The digest that a tool must have: the version's own, else what was approved; empty: none."""
    return server.schema_digests.get(tool) or approved.get(tool, "")


def standing(server: McpServer, tool: str, known: Known) -> Standing:
    """Of one tool."""
    if tool not in server.allowed_tools:
        return Standing.NOT_LISTED
    seen = next((one for one in known.seen if one.name == tool), None)
    pin = pinned(server, tool, known.approved)
    if seen is None:
        return Standing.GONE if pin else Standing.NEW
    if not pin:
        return Standing.NEW
    return Standing.APPROVED if seen.digest == pin else Standing.CHANGED


def offered(servers: Sequence[McpServer], known: Mapping[str, Known]) -> tuple[McpTool, ...]:
    """The tools that a turn may ask for, in the order of the agent's servers."""
    return tuple(
        McpTool(server, seen)
        for server in servers
        if server.name in known
        for seen in known[server.name].seen
        if standing(server, seen.name, known[server.name]) is Standing.APPROVED
    )


def with_mcp(own: AllowedTools, servers: Sequence[McpServer], there: Sequence[McpTool]) -> AllowedTools:
    """A turn's tools with those of the agent's servers; what is listed and not there counts as refused."""
    names = tuple(tool.name for tool in there)
    listed = (tool_name(server.name, tool) for server in servers for tool in server.allowed_tools)
    return AllowedTools((*own.names, *names), (*own.refused, *(one for one in listed if one not in names)))


def changed(server: McpServer, before: Known, now: Sequence[SeenTool]) -> tuple[str, ...]:
    """Tools that could be called before and are not what was pinned any more, by name."""
    after = Known(now, before.approved)
    lost = (Standing.CHANGED, Standing.GONE)
    return tuple(
        tool
        for tool in server.allowed_tools
        if standing(server, tool, before) is Standing.APPROVED and standing(server, tool, after) in lost
    )
