"""What is kept for a time only (SPEC 4: deduplication for 7 days)."""

from __future__ import annotations

from aiox.runtime.postgres import Pool

DAYS = 7
"""How long the inbox knows a message, and a sent outbox row its ids. The database refuses less."""


async def sweep_turns(pool: Pool, days: int = DAYS) -> int:
    """Deletes inbox rows, sent outbox rows and attempt counts older than `days`; returns how many rows."""
    return int(await pool.fetchval("SELECT sweep_turns($1)", days))
