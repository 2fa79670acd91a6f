"""Budgets that many share (SPEC 6): of an organisation, and of a peer, which is the domain that somebody writes from.

They stand beside the limits of account and agent, and the tightest holds. An organisation's own rulers may only narrow
what the hub allows it. Pure.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Final
from uuid import NAMESPACE_DNS, UUID, uuid5

EVERY: Final = "*"
"""In place of a name: what holds for every group of a kind that the hub has set nothing for by name."""


class GroupKind(StrEnum):
    """What shares a budget."""

    ORGANISATION = "organisation"
    PEER = "peer"


@dataclass(frozen=True, slots=True)
class GroupLimits:
    """Limits of a group; None: no limit of its own."""

    tokens_per_minute: int | None = None
    tokens_per_day: int | None = None
    max_concurrent_requests: int | None = None
    """Turns at once."""
    max_memory_mb: int | None = None
    """Of all that its members' agents store. A peer stores nothing of its own: its guests' memories are the owner's."""
    max_worker_time_ms: int | None = None
    """Of one turn."""


@dataclass(frozen=True, slots=True)
class GroupBudget:
    """One group that a turn counts on, with the limits that hold. `name`: the organisation's id, or the domain."""

    kind: GroupKind
    name: str
    limits: GroupLimits
    stored: int = 0
    """Bytes that the organisation's members store; 0 where no limit asks for it."""

    @property
    def scope(self) -> UUID:
        """What its counters go by: the same in every process."""
        return scope_of(self.kind, self.name)


def scope_of(kind: GroupKind, name: str) -> UUID:
    """The id of a group's counters. Raises ValueError for an organisation's name that is no id."""
    return UUID(name) if kind is GroupKind.ORGANISATION else uuid5(NAMESPACE_DNS, name)


def tightest(*limits: int | None) -> int | None:
    """The smallest of them; None when there is none."""
    return min((one for one in limits if one is not None), default=None)


def narrowed(own: GroupLimits, ceiling: GroupLimits) -> GroupLimits:
    """What holds: of each limit the smaller one."""
    return GroupLimits(*(tightest(getattr(own, one), getattr(ceiling, one)) for one in LIMITS))


def too_wide(own: GroupLimits, ceiling: GroupLimits) -> tuple[str, ...]:
    """Names of the limits that would allow more than the ceiling does."""
    return tuple(one for one in LIMITS if _passes(getattr(own, one), getattr(ceiling, one)))


def _passes(wanted: int | None, allowed: int | None) -> bool:
    return wanted is not None and allowed is not None and wanted > allowed


LIMITS: Final = tuple(one.name for one in fields(GroupLimits))
"""Names of the limits, in order."""
