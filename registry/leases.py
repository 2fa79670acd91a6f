"""Partition leases: who owns which inbound subjects, with a fencing token that grows at every change (DESIGN 3)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aiox.runtime.postgres import Pool


async def take(pool: Pool, holder: str, seconds: float) -> Mapping[int, int]:
    """Takes every partition that nobody holds now. Returns partition -> fencing token, the new ones only."""
    rows = await pool.fetch(
        "UPDATE partition_leases SET holder = $1, token = token + 1, expires_at = now() + make_interval(secs => $2)"
        " WHERE partition IN (SELECT partition FROM partition_leases WHERE expires_at < now() FOR UPDATE SKIP LOCKED)"
        " RETURNING partition, token",
        holder,
        seconds,
    )
    return {row["partition"]: row["token"] for row in rows}


async def renew(pool: Pool, holder: str, seconds: float) -> Mapping[int, int]:
    """Prolongs what `holder` still holds. Returns partition -> token; what is missing was lost."""
    rows = await pool.fetch(
        "UPDATE partition_leases SET expires_at = now() + make_interval(secs => $2)"
        " WHERE holder = $1 AND expires_at >= now() RETURNING partition, token",
        holder,
        seconds,
    )
    return {row["partition"]: row["token"] for row in rows}


async def release(pool: Pool, holder: str, partitions: Collection[int]) -> None:
    """Gives partitions back at once, so that another takes them without waiting for the lease to end."""
    await pool.execute(
        "UPDATE partition_leases SET expires_at = '-infinity' WHERE holder = $1 AND partition = ANY ($2)",
        holder,
        list(partitions),
    )
