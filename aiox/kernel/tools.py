"""The hub's tools, as everyone sees them: what the model is offered and the judge knows. The worker has the code."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final
from uuid import UUID

from aiox.kernel.ids import derived_id
from aiox.kernel.tool import Terms as Terms
from aiox.kernel.tool import ToolDescription as ToolDescription
from aiox.kernel.tool_table import TOOLS

MAX_CALLS: Final = 8
"""Tool calls in one turn at most."""
MAX_ARGUMENT_BYTES: Final = 32 * 1024
"""Of one call, as canonical JSON."""
MAX_TRANSCRIPT_BYTES: Final = 1024 * 1024
"""Of what a held turn has done until then."""


class Taint(StrEnum):
    """Where text came from that stood before a model when it wrote a call. A tool's results have `tool:NAME`."""

    MODEL = "model"
    """The model's own words: every call has this one."""
    DOCUMENT = "document"
    """A passage of a document."""
    MEMORY = "memory"
    """What a correspondent had kept, or a summary of what was said."""
    HISTORY = "history"
    """Earlier turns of the conversation, whatever they rested on."""
    PEER = "peer"
    """The message itself was written by another agent."""


ASK_AGENT: Final = "ask_agent"
"""The tool by which an agent asks another one. The hub does it; the worker hands on the answer."""


def tool_taint(tool: str) -> str:
    """The label of what a tool gave back."""
    return f"tool:{tool}"


APPEND_LINE: Final = ToolDescription(
    name="append_line",
    description="Appends one line to a file. For tests of the hub only.",
    schema=MappingProxyType(
        {
            "type": "object",
            "properties": {
                "file": {"type": "string", "pattern": "^[a-z0-9-]{1,64}$", "description": "name of the file"},
                "line": {"type": "string", "maxLength": 1000, "pattern": "^[^\\n]*$", "description": "what to append"},
            },
            "required": ["file", "line"],
            "additionalProperties": False,
        }
    ),
    worker_type="python",
    risk="low",
    read_only=False,
)


def known_tools(test_folder: str) -> Mapping[str, ToolDescription]:
    """The registry, by name. The test tool is there only where a folder for it is set."""
    tools = (*TOOLS, APPEND_LINE) if test_folder else TOOLS
    return MappingProxyType({tool.name: tool for tool in tools})


def call_id(turn: UUID, index: int) -> UUID:
    """The id of a turn's n-th call, counted from 0: the same at every attempt."""
    return derived_id(turn, f"tool:{index}")
