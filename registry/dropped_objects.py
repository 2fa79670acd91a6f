"""Objects of the store that no row speaks of any more: noted by a trigger when their row went (revision 0020)."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from aiox.runtime.postgres import Pool


async def find(pool: Pool, limit: int) -> Sequence[UUID]:
    """Objects to delete, the oldest first. For the orchestrator's role only, like all here."""
    rows = await pool.fetch("SELECT object_id FROM dropped_objects ORDER BY dropped_at LIMIT $1", limit)
    return [row["object_id"] for row in rows]


async def done(pool: Pool, objects: Sequence[UUID]) -> None:
    """They are deleted."""
    await pool.execute("DELETE FROM dropped_objects WHERE object_id = ANY ($1)", list(objects))


async def unknown(pool: Pool, objects: Sequence[UUID]) -> Sequence[UUID]:
    """Which of these belong to no document: what a gateway stored before it died."""
    rows = await pool.fetch("SELECT object_id FROM unknown_objects($1)", list(objects))
    return [row["object_id"] for row in rows]
