"""Budgets of organisations and peers: what was set, what holds, what is used of it (revision 0024)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import asyncpg

from aiox.runtime.postgres import Connection
from policy.group_quota import EVERY, LIMITS, GroupBudget, GroupKind, GroupLimits, narrowed, scope_of
from policy.quota import DAY_S, MINUTE_S

_LIMITS: Final = ", ".join(LIMITS)


class SetBy(StrEnum):
    """Who has set a group's limits. What an organisation sets for itself only narrows."""

    HUB = "hub"
    ORGANISATION = "organisation"


@dataclass(frozen=True, slots=True)
class GroupQuota:
    """What the hub has set for a group, or for all of a kind (`name` EVERY)."""

    kind: GroupKind
    name: str
    limits: GroupLimits
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class GroupUse:
    """Tokens that are settled, in the current minute and day (UTC)."""

    minute_tokens: int = 0
    day_tokens: int = 0


@dataclass(frozen=True, slots=True)
class OrganisationQuota:
    """An organisation's limits. `holding` is of each the smaller one."""

    own: GroupLimits
    hubs: GroupLimits
    used: GroupUse

    @property
    def holding(self) -> GroupLimits:
        """What holds."""
        return narrowed(self.own, self.hubs)


def groups_of(stored: str | None) -> tuple[GroupBudget, ...]:
    """What `find_turn` says of groups."""
    return () if not stored else tuple(_budget(row) for row in json.loads(stored))


async def find_groups(connection: Connection, owner: object) -> tuple[GroupBudget, ...]:
    """What holds for an owner's agents beside account and agent, whoever writes to them."""
    rows = await connection.fetch("SELECT * FROM find_group_quotas($1, '')", owner)
    return tuple(_budget(row) for row in rows)


def _budget(row: Mapping[str, Any] | asyncpg.Record) -> GroupBudget:
    return GroupBudget(GroupKind(row["kind"]), row["name"], _limits(row), row["stored"])


def _limits(row: Mapping[str, Any] | asyncpg.Record | None) -> GroupLimits:
    return GroupLimits() if row is None else GroupLimits(*(row[one] for one in LIMITS))


async def list_of_hub(connection: Connection) -> Sequence[GroupQuota]:
    """All that the hub has set. `connection` is in the hub's scope."""
    rows = await connection.fetch("SELECT * FROM group_quotas WHERE set_by = 'hub' ORDER BY kind, name")
    return [GroupQuota(GroupKind(row["kind"]), row["name"], _limits(row), row["changed_at"]) for row in rows]


async def limits_of(connection: Connection, kind: GroupKind, name: str, by: SetBy) -> GroupLimits:
    """What was set for a group; by the hub: for it by name, else for every group of its kind. No row: no limits."""
    row = await connection.fetchrow(
        "SELECT * FROM group_quotas WHERE kind = $1 AND name IN ($2, $3) AND set_by = $4 ORDER BY name = $3 LIMIT 1",
        kind,
        name,
        EVERY if by is SetBy.HUB else name,
        by,
    )
    return _limits(row)


async def put(
    connection: Connection, kind: GroupKind, name: str, by: SetBy, limits: GroupLimits, now: datetime
) -> None:
    """Sets all of a group's limits. Raises asyncpg.InsufficientPrivilegeError in the scope of who may not."""
    await connection.execute(
        f"INSERT INTO group_quotas (kind, name, set_by, {_LIMITS}, changed_at)"  # noqa: S608 -- constant names
        " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (kind, name, set_by) DO UPDATE SET "
        + ", ".join(f"{one} = EXCLUDED.{one}" for one in (*LIMITS, "changed_at")),
        kind,
        name,
        by,
        *(getattr(limits, one) for one in LIMITS),
        now,
    )


async def drop(connection: Connection, kind: GroupKind, name: str) -> bool:
    """Takes away what the hub has set by this name. False when there was nothing."""
    gone = await connection.fetchval(
        "DELETE FROM group_quotas WHERE kind = $1 AND name = $2 AND set_by = 'hub' RETURNING true", kind, name
    )
    return bool(gone)


async def used(connection: Connection, kind: GroupKind, name: str, now: datetime) -> GroupUse:
    """What a group has used. `connection` is in the scope of the hub, or of a member of the organisation."""
    row = await connection.fetchrow("SELECT * FROM group_usage($1)", scope_of(kind, name))
    seconds = int(now.timestamp())
    if row is None or row["minute"] * MINUTE_S // DAY_S < seconds // DAY_S:
        return GroupUse()
    fresh = row["minute"] >= seconds // MINUTE_S
    return GroupUse(row["minute_tokens"] if fresh else 0, row["day_tokens"])
