"""What a tool is to everyone but the worker that has its code: what it takes, what it may, and what that means."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from aiox.kernel.canonical import Json


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms of one call: the tool's own, narrowed by the agent's policy. What is not granted is not there."""

    timeout_ms: int = 20_000
    max_bytes: int = 64 * 1024
    """Of what comes back."""
    rate_limit_per_minute: int = 60
    """Calls of one agent."""
    requires_approval: bool = True
    sandbox: bool = False
    """Runs in the sandbox, or not at all."""
    allowed_domains: tuple[str, ...] = ()
    """Hosts it may ask; none when empty."""
    allowed_tables: tuple[str, ...] = ()
    """Tables it may read; none when empty."""
    allowed_recipients: tuple[str, ...] = ()
    """Whom it may write to without a person's agreement."""


@dataclass(frozen=True, slots=True)
class ToolDescription:
    """One tool. `schema` is the JSON Schema of its arguments, an object."""

    name: str
    description: str
    schema: Mapping[str, Json]
    worker_type: Literal["python", "external", "mcp"]
    risk: Literal["low", "medium", "high", "critical"]
    read_only: bool
    """Whether it changes nothing anywhere."""
    reads_when: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: MappingProxyType({}))
    """For a tool that may change things: values of an argument with which it does not."""
    terms: Terms = Terms()
    """What holds where an agent's policy says nothing."""
    credential: Literal["", "smtp", "search", "database", "mcp"] = ""
    """The kind of credential without which it cannot run."""
    untrusted: bool = False
    """What comes back was written by anybody."""
    private: bool = False
    """What comes back is its owner's, and not for everybody."""
    outward: bool = False
    """What a call says reaches somebody whom its arguments name."""
    files: bool = False
    """A call may be given documents of the agent, and what it leaves is kept as documents."""

    def is_reading(self, arguments: Mapping[str, Json]) -> bool:
        """Whether this very call changes nothing."""
        if self.read_only or not self.reads_when:
            return self.read_only
        return all(arguments.get(name, values[0]) in values for name, values in self.reads_when.items())
