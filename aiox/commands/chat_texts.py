"""What people read in answer to commands. Pure: facts in, lines out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from aiox.commands.approvals import Waiting
from policy.approvals import State
from registry.turns import QuotaConfig
from registry.usage import Decided, Used

PROVEN: Final[Mapping[str, str]] = MappingProxyType(
    {
        "certificate": "; your server was known by its certificate",
        "pinned": "; your server was known by the certificate that was pinned",
        "dialback": "; your server was known by its name server",
    }
)
"""What who writes from another server reads of how their domain was proven."""


def why(decisions: Sequence[Decided]) -> str:
    """The last decisions on what somebody asked for, newest first."""
    if not decisions:
        return "The hub has decided on nothing of yours here yet."
    lines = [
        f"{one.at.isoformat(sep=' ', timespec='seconds')} {one.action}{f' ({one.tool})' if one.tool else ''}:"
        f" {one.decision}{f' {one.code}' if one.code else ''}, decided by {' and '.join(one.rules)};"
        f" policy {one.policy or 'of an older release'}{PROVEN.get(one.proof, '')}"
        for one in decisions
    ]
    return "\n".join(["What the hub decided, newest first:", *lines])


def quota(used: Used, limits: QuotaConfig | None, *, owner: bool, at_hub: bool = False) -> str:
    """Own use; for the owner also the account's, with its limits."""
    lines = [] if at_hub else [f"You have used {used.mine_today} tokens with this agent today (UTC)."]
    if owner and limits is not None:
        day = f"{used.account_today} of {limits.tokens_per_day} tokens today"
        minute = f"{used.account_minute} of {limits.tokens_per_minute} in this minute"
        lines += [f"Your account has used {day}, {minute}.", f"It may have {limits.max_concurrent} turns at once."]
    return "\n".join(lines)


def pending(found: Sequence[Waiting]) -> str:
    """What waits for somebody, and what they asked for that waits for others."""
    mine = [one.text for one in found if one.mine_to_decide and one.state is State.PENDING]
    others = [
        f"Approval {one.name}: {one.shown.tool}, {one.state}, {one.agreed} of {one.quorum} agreed."
        for one in found
        if not (one.mine_to_decide and one.state is State.PENDING)
    ]
    return "\n\n".join([*mine, *others]) or "No approval waits for you."


def decided(one: Waiting, *, approves: bool) -> str:
    """What a vote has done."""
    if not approves:
        return f"Denied: {one.shown.tool} ({one.name}) will not run."
    if one.state is State.GRANTED:
        return f"Approved: {one.shown.tool} ({one.name}) runs now, once. Its result is told where it was asked for."
    return f"Noted: {one.agreed} of {one.quorum} have agreed to {one.shown.tool} ({one.name})."
