"""Links that were sent by mail: digests of their tokens, each good once and for a time. Owner-scoped."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from aiox.kernel.ids import OwnerId
from aiox.runtime.postgres import Connection, Pool, owner_scope


class Purpose(StrEnum):
    """What a link is for."""

    CONFIRM = "confirm"
    RESET = "reset"


LIFETIMES: Final = {Purpose.CONFIRM: timedelta(hours=24), Purpose.RESET: timedelta(hours=1)}


async def add(pool: Pool, owner: OwnerId, purpose: Purpose, digest: bytes, now: datetime) -> None:
    """Stores a link. Those sent before stay good: who asks in somebody's name cannot make their link worthless."""
    async with owner_scope(pool, owner) as connection:
        await connection.execute("DELETE FROM mail_tokens WHERE owner_user_id = $1 AND expires_at < $2", owner, now)
        await connection.execute(
            "INSERT INTO mail_tokens (hash, owner_user_id, purpose, created_at, expires_at)"
            " VALUES ($1, $2, $3, $4, $5)",
            digest,
            owner,
            purpose,
            now,
            now + LIFETIMES[purpose],
        )


async def is_good(connection: Connection, owner: OwnerId, purpose: Purpose, digest: bytes, now: datetime) -> bool:
    """Whether the link could be used now."""
    found = await connection.fetchval(
        "SELECT true FROM mail_tokens WHERE owner_user_id = $1 AND hash = $2 AND purpose = $3"
        " AND used_at IS NULL AND expires_at > $4",
        owner,
        digest,
        purpose,
        now,
    )
    return bool(found)


async def spend(connection: Connection, owner: OwnerId, purpose: Purpose, digest: bytes, now: datetime) -> bool:
    """Uses the link up, and all others of the account for this purpose. False for one that is not good."""
    spent = await connection.fetch(
        "UPDATE mail_tokens SET used_at = $4 WHERE owner_user_id = $1 AND purpose = $3 AND used_at IS NULL"
        " AND EXISTS (SELECT FROM mail_tokens WHERE owner_user_id = $1 AND hash = $2 AND purpose = $3"
        " AND used_at IS NULL AND expires_at > $4) RETURNING hash",
        owner,
        digest,
        purpose,
        now,
    )
    return digest in [row["hash"] for row in spent]
