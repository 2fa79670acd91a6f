"""Which tools a turn may ask for, and whether a call may run. Silence is no: what is not in order is refused."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol
from uuid import UUID

from aiox.kernel.agent import Policy, ToolPolicy
from aiox.kernel.canonical import Json, canonical
from aiox.kernel.errors import ErrorCode
from aiox.kernel.tools import MAX_ARGUMENT_BYTES, MAX_CALLS, Terms, ToolDescription, call_id
from aiox.kernel.verdict import Allow, Deny, Hold, Verdict
from policy.taint import reaches_only

RULE_ALLOWED: Final = "T0 tool-allowed"
RULE_NOT_OFFERED: Final = "T1 not-offered"
RULE_ORDER: Final = "T2 call-in-order"
RULE_TOO_MANY: Final = "T3 too-many-calls"
RULE_ARGUMENTS: Final = "T4 canonical-arguments"
RULE_READ_ONLY: Final = "T5 read-only"
RULE_APPROVAL: Final = "T6 approval"
RULE_CANNOT_ENFORCE: Final = "T7 cannot-enforce"
_SAID: Final = (
    "rate_limit_per_minute",
    "requires_approval",
    "allowed_tables",
    "allowed_recipients",
    "timeout_ms",
    "max_bytes",
)
"""Fields of a policy that stand for the terms of the same name."""


class Configured(Protocol):
    """A tool that an agent was given, of the hub's own or of an MCP server, with its policy."""

    @property
    def name(self) -> str:
        """As a model calls it."""
        ...

    @property
    def policy(self) -> Policy:
        """What its owner says of it."""
        ...


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
    configured: Sequence[Configured],
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
    return _judge_policy(tool, described, approvals, json.loads(call.arguments))


def _judge_policy(
    tool: Configured, described: ToolDescription, approvals: Collection[str], arguments: Mapping[str, Json]
) -> Verdict:
    policy = tool.policy if isinstance(tool.policy, ToolPolicy) else None
    reading = described.is_reading(arguments)
    if (tool.policy == "read_only" or (policy and policy.read_only)) and not reading:
        return _deny(RULE_READ_ONLY, "This agent may use the tool for reading only.")
    terms = terms_of(tool, described)
    if policy and policy.sandbox_required and not terms.sandbox:
        return _deny(RULE_CANNOT_ENFORCE, "The tool's policy asks for a sandbox, and this tool has no use for one.")
    free = not terms.requires_approval and (reading or not described.reads_when or _is_said(tool))
    listed = bool(terms.allowed_recipients) and reaches_only(arguments, terms)
    if terms.allowed_recipients and not listed:
        free = False
    if tool.name in approvals or not (free or (listed and tool.policy != "approval" and not _is_held(tool))):
        return Hold("confirm", (RULE_APPROVAL,))
    return Allow((RULE_ALLOWED,))


def _is_said(tool: Configured) -> bool:
    """Whether the policy itself says that no approval is needed."""
    return isinstance(tool.policy, ToolPolicy) and tool.policy.requires_approval is False


def _is_held(tool: Configured) -> bool:
    """Whether the policy itself says that an approval is needed."""
    return isinstance(tool.policy, ToolPolicy) and tool.policy.requires_approval is True


def terms_of(tool: Configured, described: ToolDescription, domains: Sequence[str] = ()) -> Terms:
    """The tool's own terms, with what the agent's policy says in their place. `domains` are the agent's own list.

    A preset word stands for a policy: read_only asks no approval and lets only reading through, rate_limited asks no
    approval and keeps to the tool's rate, approval asks for one each time.
    """
    own = described.terms
    if not isinstance(tool.policy, ToolPolicy):
        return replace(own, requires_approval=tool.policy == "approval", allowed_domains=tuple(domains))
    said = {name: getattr(tool.policy, name) for name in _SAID if getattr(tool.policy, name) is not None}
    named = tool.policy.allowed_domains
    return replace(own, **said, allowed_domains=tuple(domains) if named is None else narrowed(named, domains))


def narrowed(named: Sequence[str], within: Sequence[str]) -> tuple[str, ...]:
    """Those of a tool's domains that the agent's list names too; all of them when the agent has no list."""
    if not within:
        return tuple(named)
    return tuple(one for one in named if one in within or any(_covers(wide, one) for wide in within))


def _covers(wide: str, one: str) -> bool:
    return wide.startswith("*.") and one.removeprefix("*.").endswith(wide[1:])


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
