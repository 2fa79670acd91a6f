"""Which tool of which server may be called, and where that server is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from aiox.kernel.agent import McpServer


@dataclass(frozen=True, slots=True)
class Pin:
    """One tool, while it is what its digest says (aiox.kernel.mcp)."""

    server: McpServer
    tool: str
    digest: str


@dataclass(frozen=True, slots=True)
class Place:
    """A server, and what it is asked with: a bearer token, hosts that may be asked, folders that it finds at /code."""

    server: McpServer
    secret: str = field(default="", repr=False)
    domains: Sequence[str] = ()
    code: Sequence[tuple[str, Path]] = ()
