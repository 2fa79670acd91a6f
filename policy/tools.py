"""Which tools a turn may ask for, and whether a call may run. Silence is no: what is not in order is refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from aiox.kernel.agent import Tool, ToolPolicy
from aiox.kernel.canonical import canonical
from aiox.kernel.errors import ErrorCode
from aiox.kernel.tools import MAX_ARGUMENT_BYTES, MAX_CALLS, ToolDescription, call_id
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict

RULE_ALLOWED: Final = "T0 tool-allowed"
RULE_NOT_OFFERED: Final = "T1 not-offered"
RULE_ORDER: Final = "T2 call-in-order"
RULE_TOO_MANY: Final = "T3 too-many-calls"
RULE_ARGUMENTS: Final = "T4 canonical-arguments"
RULE_READ_ONLY: Final = "T5 read-only"
RULE_APPROVAL: Final = "T6 approval"
RULE_CANNOT_ENFORCE: Final = "T7 limit-not-enforced-yet"
_LIMITS: Final = (
    "rate_limit_per_minute",
    "allowed_domains",
    "sandbox_required",
    "allowed_tables",
    "timeout_ms",
    "max_bytes",
)
"""What a policy may ask for and nothing here can enforce yet: then the call is refused."""


@dataclass(frozen=True, slots=True)
class AllowedTools:
    """The names a turn may use, and those it was configured with but may not."""

    names: tuple[str, ...]
    refused: tuple[str, ...]

    @property
    def availability(self) -> float:
        """T of the scoring model: the share that is available, 1 when none was configured."""
        wanted = len(self.names) + len(self.refused)
        return 1.0 if wanted == 0 else len(self.names) / wanted


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it was asked for. `index` is how many this turn has asked for before."""

    turn: UUID
    index: int
    call_id: str
    tool: str
    arguments: bytes


def allowed_tools(configured: Sequence[str], known: Collection[str]) -> AllowedTools:
    """Splits the agent's tools into those the hub knows and those it does not."""
    names = tuple(name for name in configured if name in known)
    refused = tuple(name for name in configured if name not in known)
    return AllowedTools(names, refused)


def judge_call(
    call: Call,
    offered: AllowedTools,
    configured: Sequence[Tool],
    known: Mapping[str, ToolDescription],
    approvals: Collection[str],
) -> Verdict:
    """Whether a call may run now. `configured` are the agent's tools, `approvals` names that always need a person."""
    tool = next((one for one in configured if one.name == call.tool), None)
    described = known.get(call.tool)
    if call.tool not in offered.names or tool is None or described is None:
        return _deny(RULE_NOT_OFFERED, "This turn may not use this tool.")
    if call.index >= MAX_CALLS:
        return _deny(RULE_TOO_MANY, f"A turn may call tools {MAX_CALLS} times at most.")
    if call.call_id != str(call_id(call.turn, call.index)):
        return _deny(RULE_ORDER, "The call does not have the id of its place in the turn.")
    if not _is_canonical(call.arguments):
        return _deny(RULE_ARGUMENTS, "The arguments are not canonical JSON, or too long.")
    return _judge_policy(tool, described, approvals)


def _judge_policy(tool: Tool, described: ToolDescription, approvals: Collection[str]) -> Verdict:
    policy = tool.policy if isinstance(tool.policy, ToolPolicy) else None
    if (tool.policy == "read_only" or (policy and policy.read_only)) and not described.read_only:
        return _deny(RULE_READ_ONLY, "This agent may use the tool for reading only.")
    if tool.policy == "rate_limited" or (policy and any(getattr(policy, limit) is not None for limit in _LIMITS)):
        return _deny(RULE_CANNOT_ENFORCE, "The tool's policy has a limit that this hub cannot enforce yet.")
    free = tool.policy == "read_only" or (policy is not None and policy.requires_approval is False)
    if not free or tool.name in approvals:
        return Hold("confirm", (RULE_APPROVAL,))
    return Allow((RULE_ALLOWED,))


def _is_canonical(arguments: bytes) -> bool:
    if len(arguments) > MAX_ARGUMENT_BYTES:
        return False
    try:
        value = json.loads(arguments)
        return isinstance(value, dict) and canonical(value) == arguments
    except (ValueError, RecursionError):
        return False


def _deny(rule: str, reason: str) -> Deny:
    return Deny(ErrorCode.TOOL_REFUSED, reason, (rule,))
