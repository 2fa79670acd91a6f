"""Tools of MCP servers: how they are named, what of them is pinned, and what the judge knows of them. Pure.

A server is a stranger: what it says of its tools is shown to people and models as it stands, and believed in nothing.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from aiox.kernel.agent import McpServer, Policy
from aiox.kernel.canonical import Json, canonical, digest
from aiox.kernel.tools import Terms, ToolDescription

BETWEEN: Final = "__"
"""Between server and tool: no server has it in its name."""
MAX_TOOLS: Final = 64
"""Of one server; those beyond are not looked at."""
MAX_TOOL_BYTES: Final = 16 * 1024
"""Of one tool's name, description and schema as canonical JSON."""
MAX_DESCRIPTION: Final = 2000
"""Characters of a description."""
MAX_PARTS: Final = 1000
"""Of a schema that is written out."""
_MAX_DEPTH: Final = 24
_LEFT_OUT: Final = frozenset({"pattern", "patternProperties", "format", "$defs", "definitions", "$schema", "$id"})
_DEFINITION: Final = re.compile(r"^#/(\$defs|definitions)/([A-Za-z0-9_.-]{1,100})$")
_NAME: Final = re.compile(r"^[A-Za-z0-9_-]{1,38}$")
_TERMS: Final = Terms(timeout_ms=30_000, max_bytes=64 * 1024, rate_limit_per_minute=30)


@dataclass(frozen=True, slots=True)
class SeenTool:
    """A tool as its server describes it. `digest` is over the server's address and all that is said of the tool."""

    name: str
    description: str
    schema: Mapping[str, Json] = field(repr=False)
    digest: str

    @property
    def as_json(self) -> dict[str, Json]:
        """For a store or a wire."""
        return {"name": self.name, "description": self.description, "schema": self.schema, "digest": self.digest}


@dataclass(frozen=True, slots=True)
class McpTool:
    """A tool that a turn may ask for: of which server, pinned to which digest."""

    server: McpServer
    seen: SeenTool

    @property
    def name(self) -> str:
        """As the model calls it."""
        return tool_name(self.server.name, self.seen.name)

    @property
    def policy(self) -> Policy:
        """Its server's, as aiox.kernel.agent.Tool has one."""
        return self.server.policy

    @property
    def description(self) -> ToolDescription:
        """For model and judge.

        What a server says of its own harmlessness counts for nothing: none of its tools is taken to only read. A server
        in the sandbox has no network and no host files, so nothing leaves by it and nothing private is there.
        """
        remote = self.server.transport == "http"
        return ToolDescription(
            name=self.name,
            description=self.seen.description,
            schema=plain_schema(self.seen.schema),
            worker_type="mcp",
            risk="high",
            read_only=False,
            terms=_TERMS,
            credential="mcp" if self.server.credential else "",
            untrusted=True,
            private=remote,
            outward=remote,
        )


def tool_name(server: str, tool: str) -> str:
    """`server__tool`."""
    return f"{server}{BETWEEN}{tool}"


def host_of(server: McpServer) -> str:
    """The host that an http server is asked at; empty for stdio."""
    return urlsplit(server.url).hostname or ""


def seen_tool(server: McpServer, name: str, description: str, schema: Any) -> SeenTool | None:
    """A tool that a server has named; None for one that cannot be offered: by its name, its size, its schema."""
    if not _NAME.fullmatch(name) or len(description) > MAX_DESCRIPTION or not _is_schema(schema):
        return None
    of: dict[str, Json] = {"name": name, "description": description, "schema": schema}
    try:
        if len(canonical(of)) > MAX_TOOL_BYTES:
            return None
    except (ValueError, RecursionError):
        return None
    at: dict[str, Json] = {"transport": server.transport, "command": list(server.command), "url": server.url}
    return SeenTool(name, description, schema, digest({"server": at, "tool": of}))


def read_seen(server: McpServer, tools: bytes) -> tuple[SeenTool, ...]:
    """What a worker found, digests made anew, each name once. Raises ValueError for what is no list of tools."""
    found: dict[str, SeenTool] = {}
    try:
        for one in json.loads(tools)[:MAX_TOOLS]:
            tool = seen_tool(server, str(one["name"]), str(one["description"]), one["schema"])
            if tool is not None:
                found.setdefault(tool.name, tool)
    except (KeyError, TypeError, RecursionError) as wrong:
        raise ValueError("this is no list of tools") from wrong
    return tuple(found[name] for name in sorted(found))


def stored_seen(tools: str) -> tuple[SeenTool, ...]:
    """Tools as a store has them. Raises ValueError, KeyError for what was never put there."""
    stored: Sequence[Any] = json.loads(tools)
    return tuple(SeenTool(one["name"], one["description"], one["schema"], one["digest"]) for one in stored)


def _is_schema(schema: Any) -> bool:
    """An object's, which can be written out whole."""
    try:
        return isinstance(schema, dict) and schema.get("type") == "object" and bool(plain_schema(schema))
    except ValueError:
        return False


def plain_schema(schema: Mapping[str, Any]) -> dict[str, Json]:
    """The schema with its references written out, and without patterns: by it arguments are checked in the worker.

    A stranger's reference could name a place to fetch, or take for ever to follow, and so could a stranger's pattern;
    the server checks its arguments itself. Raises ValueError for one that is no tree, or too large written out.
    """
    plain: dict[str, Json] = _plain(schema, schema, [MAX_PARTS], 0)
    return plain


def _plain(value: Any, root: Mapping[str, Any], left: list[int], depth: int) -> Any:
    left[0] -= 1
    if left[0] < 0 or depth > _MAX_DEPTH:
        raise ValueError("this schema is too large written out")
    if isinstance(value, list):
        return [_plain(one, root, left, depth + 1) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        beside = {name: one for name, one in value.items() if name != "$ref"}
        return _plain({**_target(str(value["$ref"]), root), **beside}, root, left, depth + 1)
    return {name: _plain(one, root, left, depth + 1) for name, one in value.items() if name not in _LEFT_OUT}


def _target(reference: str, root: Mapping[str, Any]) -> dict[str, Any]:
    """What a reference names: a definition of the schema's own."""
    found = _DEFINITION.match(reference)
    target = root.get(found[1], {}).get(found[2]) if found else None
    if isinstance(target, dict):
        return target
    raise ValueError("a reference leads nowhere within the schema")
