"""Asks another agent. The hub has asked it when the call is allowed; here its answer is handed on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from ai_worker.tools.port import Given, Means, ToolFailed
from aiox.kernel.tools import ASK_AGENT, Terms, ToolDescription

_ADDRESS: Final = r"^[^@/\s]+@[^@/\s]+$"
DESCRIPTION: Final = ToolDescription(
    name=ASK_AGENT,
    description=(
        "Asks another agent and gives its answer. It knows nothing of this conversation: say all that it needs."
    ),
    schema={
        "type": "object",
        "properties": {
            "to": {"type": "string", "maxLength": 320, "pattern": _ADDRESS, "description": "its address"},
            "message": {"type": "string", "minLength": 1, "maxLength": 16000},
        },
        "required": ["to", "message"],
        "additionalProperties": False,
    },
    worker_type="python",
    risk="medium",
    read_only=False,
    terms=Terms(timeout_ms=45_000, max_bytes=32 * 1024, rate_limit_per_minute=20, requires_approval=False),
    untrusted=True,
    private=True,
    outward=True,
)


class AskAgent:
    """See DESCRIPTION."""

    name = DESCRIPTION.name

    def __init__(self, _means: Means) -> None:
        """It needs no means."""

    async def run(self, _arguments: Mapping[str, Any], given: Given) -> str:
        """The other agent's answer. Raises ToolFailed with the hub's reason when there is none."""
        if given.agent is None:
            raise ToolFailed("The hub gave no answer of another agent with this call.")
        if given.agent.error:
            raise ToolFailed(given.agent.error)
        return given.agent.text


make = AskAgent
