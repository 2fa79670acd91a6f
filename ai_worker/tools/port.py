"""What a tool is, and how a call is asked for: a tool call is asked, not taken (DESIGN 2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol
from uuid import UUID

from ai_worker.sandbox.port import Sandbox
from ai_worker.tools.pin import Pin
from aiox.kernel.canonical import Json
from aiox.kernel.errors import ErrorCode
from aiox.kernel.tools import Terms
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress


class ToolFailed(Exception):
    """The tool could not do it. The text is a sentence for the model; a part of the effect may be there."""


class ToolChanged(ToolFailed):
    """The tool is not what was approved. It was not called."""


@dataclass(frozen=True, slots=True)
class AgentAnswer:
    """What another agent said: text, or the sentence why there is none. `tokens` are of the asking turn's budget."""

    text: str
    error: str = ""
    tokens: int = 0


@dataclass(frozen=True, slots=True)
class Given:
    """What the hub grants to one call: its terms, and the credential that it needs."""

    terms: Terms = field(default_factory=Terms)
    endpoint: str = ""
    secret: str = field(default="", repr=False)
    owner: UUID | None = None
    """Whose agent it is."""
    mcp: Pin | None = None
    """For a tool of an MCP server: which, while it is what it was."""
    agent: AgentAnswer | None = None
    """For ask_agent: the hub has asked, and this came of it."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """Documents that the call names, by the names that it gives them."""
    left: dict[str, bytes] = field(default_factory=dict, repr=False, compare=False)
    """Where a tool puts the files that are to be kept for its person."""


@dataclass(frozen=True, slots=True)
class Means:
    """What tools act with. Whatever leaves goes by `egress`, or to addresses that `reach` has judged."""

    sandbox: Sandbox
    egress: Egress
    reach: Reach
    sqlite_folder: Path | None = None
    """Where SQLite files of owners lie, in a folder for each; None: nowhere."""


class Tool(Protocol):
    """The code behind a description. One per process: nothing of a call is kept."""

    @property
    def name(self) -> str:
        """As it stands in aiox.kernel.tools."""
        ...

    async def run(self, arguments: Mapping[str, Json], given: Given) -> str:
        """Has its effect and says what came of it. `arguments` fit the schema. May be cancelled, at the latest when the
        time of its terms is over. Raises ToolFailed, or what its means raise: Blocked, NotAnswered and the like.
        """
        ...


class Servers(Protocol):
    """The MCP servers of one turn, whose tools all have this one body."""

    async def run(self, arguments: Mapping[str, Json], given: Given) -> str:
        """As of a Tool; which one is called, `given.mcp` says. Raises ToolChanged, ToolFailed."""
        ...


class NoServers:
    """Where no MCP server can be met."""

    async def run(self, _arguments: Mapping[str, Json], _given: Given) -> str:
        """Raises ToolFailed."""
        raise ToolFailed("This worker meets no MCP servers.")


@dataclass(frozen=True, slots=True)
class Allowed:
    """The hub has the call on record: it may run, once, with what is given."""

    given: Given = Given()


@dataclass(frozen=True, slots=True)
class NotAllowed:
    """The hub refused, or holds the call until a person agrees; it must not run."""

    reason: str
    held: bool = False


@dataclass(frozen=True, slots=True)
class Ended:
    """How an allowed call ended."""

    success: bool
    result_digest: bytes
    duration_ms: int
    error_code: ErrorCode | None = None
    changed: bool = False
    """It is not what was approved, and was not called."""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)
    """What it has left."""


class AsksHub(Protocol):
    """The hub's ear for one turn."""

    async def ask(self, index: int, tool: str, arguments: bytes, taint: Sequence[str]) -> Allowed | NotAllowed:
        """Asks for the turn's n-th call (from 0) with canonical arguments. Waits for the hub as long as it takes.

        `taint`: where the text came from that the arguments may rest on (aiox.kernel.tools.Taint).
        """
        ...

    def held(self, index: int, transcript: bytes) -> None:
        """Hands over what the turn has done so far: by it the turn goes on once its n-th call is granted."""
        ...

    def told(self, index: int, ended: Ended) -> None:
        """Tells how an allowed call ended."""
        ...
