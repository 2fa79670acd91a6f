"""What is kept for a time only (SPEC 4: deduplication for 7 days)."""

from __future__ import annotations

from datetime import datetime

from aiox.runtime.postgres import Pool

DAYS = 7
"""How long the inbox knows a message, and a sent outbox row its ids. The database refuses less."""


async def sweep_requests(pool: Pool) -> int:
    """Deletes idempotency keys after a day, state events after a week or beyond 10,000 of an account, and turns asked
    over HTTP after eight days, one more than the inbox knows them; returns how many rows.
    """
    return int(await pool.fetchval("SELECT sweep_requests()"))


async def sweep_sessions(pool: Pool) -> int:
    """Deletes sessions 30 days after their end, refresh tokens and links in mail that are too old; how many rows."""
    return int(await pool.fetchval("SELECT sweep_sessions()"))


async def sweep_memories(pool: Pool, now: datetime) -> int:
    """Deletes what agents remember about people, summaries too, and the texts of turns, that are older than the agent's
    retention_days; returns how many rows. Documents stay: their owner gave them, and takes them.
    """
    return int(await pool.fetchval("SELECT sweep_memories($1)", now))


async def sweep_turns(pool: Pool, days: int = DAYS) -> int:
    """Deletes inbox rows, sent outbox rows and attempt counts older than `days`; returns how many rows."""
    return int(await pool.fetchval("SELECT sweep_turns($1)", days))
