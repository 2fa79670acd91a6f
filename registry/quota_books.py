"""What budgets have used, as PostgreSQL knows it: the truth that the counters in Redis are rebuilt from."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from aiox.runtime.clock import Clock
from aiox.runtime.postgres import Pool
from policy.quota import MINUTE_S, Settled
from registry.quota_memory import Books


async def read_books(pool: Pool, clock: Clock, turns: Sequence[UUID]) -> Books:
    """Usage of this day by scope, and which of these turns have their outcome: one snapshot."""
    minute = int(clock.now().timestamp()) // MINUTE_S
    rows = await pool.fetch("SELECT * FROM quota_books($1, $2)", minute, list(turns))
    return Books(
        [
            Settled(row["scope_id"], row["minute"], row["minute_tokens"], row["day_tokens"])
            for row in rows
            if row["scope_id"] is not None
        ],
        {row["turn_id"] for row in rows if row["turn_id"] is not None},
    )
