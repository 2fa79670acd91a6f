"""Partition leases: who owns which inbound subjects, with a fencing token that grows at every change (DESIGN 3).

Only the database's clock counts. A lease that ends further in the future than any lease can was made before that clock
was set back, and is as free as one that has ended.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, TypeAlias

from aiox.runtime.postgres import Pool

Fences: TypeAlias = Mapping[int, int]
"""Partition -> fencing token."""

# Rows are locked in the order in which `conclude` locks them: else the two could wait for each other.
_RENEW: Final = """
WITH forgotten AS (DELETE FROM orchestrators WHERE expires_at < now() - interval '1 minute'),
me AS (
    INSERT INTO orchestrators (holder, expires_at) VALUES ($1, now() + make_interval(secs => $2))
    ON CONFLICT (holder) DO UPDATE SET expires_at = EXCLUDED.expires_at),
kept AS (
    UPDATE partition_leases SET expires_at = now() + make_interval(secs => $2)
    WHERE partition IN (SELECT partition FROM partition_leases WHERE holder = $1 ORDER BY partition FOR NO KEY UPDATE)
    RETURNING partition, token),
others AS (
    SELECT count(*) AS live FROM orchestrators
    WHERE holder <> $1 AND expires_at BETWEEN now() AND now() + make_interval(secs => 2 * $2)),
free AS (
    SELECT count(*) AS ownerless FROM partition_leases
    WHERE holder <> $1 AND expires_at NOT BETWEEN now() AND now() + make_interval(secs => 2 * $2))
SELECT live, ownerless, partition, token FROM others CROSS JOIN free LEFT JOIN kept ON true
"""
_TAKE: Final = """
UPDATE partition_leases SET holder = $1, token = token + 1, expires_at = now() + make_interval(secs => $2)
WHERE partition IN (
    SELECT partition FROM partition_leases
    WHERE expires_at NOT BETWEEN now() AND now() + make_interval(secs => 2 * $2)
    ORDER BY partition LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING partition, token
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store says at a renewal: what is held, how many orchestrators live, how many partitions are free."""

    held: Fences
    live: int
    ownerless: int


async def renew(pool: Pool, holder: str, seconds: float) -> Standing:
    """Says that `holder` lives, and prolongs what is still its own.

    Also after it has run out: as long as nobody took it, the token has not grown, and no one else has held it.
    """
    rows = await pool.fetch(_RENEW, holder, seconds)
    held = {row["partition"]: row["token"] for row in rows if row["partition"] is not None}
    return Standing(held, rows[0]["live"] + 1, rows[0]["ownerless"])


async def take(pool: Pool, holder: str, seconds: float, most: int) -> Fences:
    """Takes partitions that nobody holds now, `most` at most. Returns the new ones with their tokens."""
    rows = await pool.fetch(_TAKE, holder, seconds, most)
    return {row["partition"]: row["token"] for row in rows}


async def release(pool: Pool, holder: str, partition: int, token: int) -> None:
    """Gives a partition back at once, so that another takes it without waiting for the lease to end."""
    await pool.execute(
        "UPDATE partition_leases SET holder = '', expires_at = '-infinity'"
        " WHERE holder = $1 AND partition = $2 AND token = $3",
        holder,
        partition,
        token,
    )


async def living(pool: Pool, seconds: float) -> set[str]:
    """The orchestrators that live now, whose leases are for so many seconds."""
    rows = await pool.fetch(
        "SELECT holder FROM orchestrators WHERE expires_at BETWEEN now() AND now() + make_interval(secs => 2 * $1)",
        seconds,
    )
    return {row["holder"] for row in rows}


async def leave(pool: Pool, holder: str) -> None:
    """Gives everything back, and no longer counts as one who lives."""
    await pool.execute(
        "WITH gone AS (DELETE FROM orchestrators WHERE holder = $1)"
        " UPDATE partition_leases SET holder = '', expires_at = '-infinity' WHERE holder = $1",
        holder,
    )
