"""What people prefer: one row per account that has set something (SPEC 5)."""

from __future__ import annotations

from datetime import datetime

from aiox.kernel.ids import OwnerId
from aiox.kernel.preferences import NONE_SET, Preferences
from aiox.runtime.postgres import Pool, owner_scope


async def load(pool: Pool, owner: OwnerId) -> Preferences:
    """What this account has set; NONE_SET when it has set nothing."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT tone, format, language FROM preferences WHERE owner_user_id = $1", owner
        )
    return NONE_SET if row is None else Preferences.model_validate(dict(row))


async def store(pool: Pool, owner: OwnerId, preferences: Preferences, now: datetime) -> None:
    """Sets all of them at once; what is empty is not preferred any more."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute(
            "INSERT INTO preferences (owner_user_id, tone, format, language, created_at) VALUES ($1, $2, $3, $4, $5)"
            " ON CONFLICT (owner_user_id) DO UPDATE SET tone = EXCLUDED.tone, format = EXCLUDED.format,"
            " language = EXCLUDED.language, created_at = EXCLUDED.created_at",
            owner,
            preferences.tone,
            preferences.format,
            preferences.language,
            now,
        )


async def forget(pool: Pool, owner: OwnerId) -> None:
    """Takes them all away; again is a no-op."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute("DELETE FROM preferences WHERE owner_user_id = $1", owner)
