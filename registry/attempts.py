"""How often a message was in somebody's hands when an orchestrator died (revision 0003). Counted for suspects only."""

from __future__ import annotations

from aiox.kernel.ids import TurnId
from aiox.runtime.postgres import Pool


async def counted(pool: Pool, turn: TurnId) -> int:
    """Attempts counted so far."""
    found = await pool.fetchval("SELECT attempts FROM turn_attempts WHERE turn_id = $1", turn)
    return int(found or 0)


async def count(pool: Pool, turn: TurnId) -> int:
    """Counts one more attempt before it begins; returns the new number."""
    return int(
        await pool.fetchval(
            "INSERT INTO turn_attempts AS t (turn_id, attempts) VALUES ($1, 1)"
            " ON CONFLICT (turn_id) DO UPDATE SET attempts = t.attempts + 1 RETURNING attempts",
            turn,
        )
    )


async def forget(pool: Pool, turn: TurnId) -> None:
    """The turn has its outcome."""
    await pool.execute("DELETE FROM turn_attempts WHERE turn_id = $1", turn)
