"""What budgets have used, as PostgreSQL knows it: the truth that the counters in Redis are rebuilt from."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from aiox.runtime.clock import Clock
from aiox.runtime.postgres import Pool
from policy.quota import MINUTE_S, Settled
from registry.quota_memory import Books
from registry.quota_scripts import OUTLIVES_S


async def read_books(pool: Pool, clock: Clock, turns: Sequence[UUID]) -> Books:
    """Usage of this day by scope, and which of these turns have their outcome: one snapshot.

    What was counted well after what this clock shows, for it was ahead once or is behind now, counts as used now.
    """
    minute = int(clock.now().timestamp()) // MINUTE_S
    rows = await pool.fetch("SELECT * FROM quota_books($1, $2)", minute, list(turns))
    return Books(
        [
            Settled(row["scope_id"], _told(row["minute"], minute), row["minute_tokens"], row["day_tokens"])
            for row in rows
            if row["scope_id"] is not None
        ],
        {row["turn_id"] for row in rows if row["turn_id"] is not None},
    )


def _told(stored: int, now: int) -> int:
    """The minute that usage counts in; clocks may differ by as long as a counter outlives its window."""
    return stored if stored * MINUTE_S <= now * MINUTE_S + OUTLIVES_S else now
