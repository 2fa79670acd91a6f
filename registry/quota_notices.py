"""Which limits have come to another level than their owner was told, and that it was told (revision 0019)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from aiox.kernel.ids import OwnerId
from aiox.kernel.jid import BareJid
from aiox.runtime.postgres import Connection, Pool
from policy.quota_notice import Budget, Crossed, Whose


@dataclass(frozen=True, slots=True)
class Due:
    """One of them. `scope` is the owner, an agent, or an organisation that the owner rules; `period` the day, `told`
    the level that was told in it.
    """

    scope: UUID
    owner: OwnerId
    owner_jid: BareJid
    sender: BareJid
    """An agent's address, from which the owner is told."""
    period: int
    crossed: Crossed
    told: int

    @property
    def rises(self) -> bool:
        """Whether there is something to tell; a memory that was emptied is only noted."""
        return self.crossed.level > self.told


async def find_due(pool: Pool, day: int, limit: int) -> Sequence[Due]:
    """At most `limit` of them. `day` is its number since 1970 (UTC)."""
    rows = await pool.fetch("SELECT * FROM find_quota_notices($1, $2)", day, limit)
    return [
        Due(
            scope=row["scope_id"],
            owner=OwnerId(row["owner_user_id"]),
            owner_jid=BareJid(row["owner_jid"]),
            sender=BareJid(row["sender"]),
            period=row["period"],
            crossed=Crossed(Budget(row["what"]), row["used"], row["allowed"], row["level"], Whose(row["whose"])),
            told=row["told"],
        )
        for row in rows
    ]


async def claim(connection: Connection, due: Due, now: datetime) -> bool:
    """Notes the level, in the owner's scope. False when another process has just noted it."""
    noted = await connection.fetchval(
        "INSERT INTO quota_notices AS n (scope_id, owner_user_id, what, period, level, created_at)"
        " VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (scope_id, owner_user_id, what) DO UPDATE"
        " SET period = EXCLUDED.period, level = EXCLUDED.level, created_at = EXCLUDED.created_at"
        " WHERE (n.period, n.level) <> (EXCLUDED.period, EXCLUDED.level) RETURNING true",
        due.scope,
        due.owner,
        due.crossed.budget,
        due.period,
        due.crossed.level,
        now,
    )
    return bool(noted)
