"""Keys are exchanged while everything runs: fresh data keys, and every ciphertext sealed anew (SPEC 5).

As the role aiox_keeper, owner by owner and in small transactions. Each step finds by itself what is left to do, so a
rotation that was broken off goes on where it was.
"""

# ruff: noqa: S608 -- names come from registry.sealed

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any, Final
from uuid import UUID

from aiox.kernel.ids import OwnerId
from aiox.runtime.keyring import CannotOpen, KeyRing, Place, key_id, wrapped_place
from aiox.runtime.postgres import Connection, Pool, owner_scope
from registry.sealed import SEALED, SealedTable
from registry.tenants import ring_of

BATCH: Final = 500
_PAGE: Final = 500
_LOCK: Final = 0x61696F78  # one rotation at a time, whoever starts it
_FIRST: Final = (datetime(1970, 1, 1, tzinfo=UTC), UUID(int=0))


class AnotherRotation(Exception):
    """Somebody rotates keys at this moment."""


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A key of the hub: how many data keys it wraps, and how many of these are not their tenant's newest."""

    hub_key: int
    data_keys: int
    old_data_keys: int


@dataclass(frozen=True, slots=True)
class Resealed:
    """Records that were sealed anew, and records that no key opens: changed or moved by somebody past the hub."""

    records: int
    damaged: int


@asynccontextmanager
async def alone(pool: Pool) -> AsyncIterator[None]:
    """Nobody else rotates meanwhile. Raises AnotherRotation. Holds one of the pool's connections."""
    async with pool.acquire() as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
            raise AnotherRotation
        try:
            yield
        finally:
            await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def unfinished(pool: Pool) -> int | None:
    """The hub's key of a rotation that was broken off; None when there is none."""
    found = await pool.fetchval("SELECT hub_key FROM key_rotations WHERE finished_at IS NULL ORDER BY 1 DESC LIMIT 1")
    return None if found is None else int(found)


async def begin(pool: Pool, hub_key: int, now: datetime) -> None:
    """Puts a rotation to this key on record."""
    await pool.execute("INSERT INTO key_rotations (hub_key, started_at) VALUES ($1, $2)", hub_key, now)


async def finish(pool: Pool, hub_key: int, records: int, now: datetime) -> None:
    """Puts the end on record, of this rotation and of those that were broken off before it."""
    await pool.execute(
        "UPDATE key_rotations SET finished_at = $2, records = CASE hub_key WHEN $1 THEN $3 ELSE records END"
        " WHERE hub_key <= $1 AND finished_at IS NULL",
        hub_key,
        now,
        records,
    )


async def count_wrapped(pool: Pool) -> Sequence[Wrapped]:
    """Who wraps what, across tenants, by key."""
    rows = await pool.fetch("SELECT hub_key, data_keys, old_data_keys FROM count_wrapped()")
    return [Wrapped(row["hub_key"], row["data_keys"], row["old_data_keys"]) for row in rows]


async def tenants(pool: Pool) -> AsyncIterator[OwnerId]:
    """All tenants, by id; those that come into being meanwhile may or may not be among them."""
    last = UUID(int=0)
    while rows := await pool.fetch("SELECT owner_user_id FROM find_tenants($1, $2)", last, _PAGE):
        for row in rows:
            yield OwnerId(row["owner_user_id"])
        last = rows[-1]["owner_user_id"]


async def renew(pool: Pool, keys: KeyRing, owner: OwnerId, now: datetime) -> bool:
    """Gives a tenant a fresh data key and wraps its old ones anew; False when both were done under this hub's key."""
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT number, wrapped FROM tenant_keys WHERE owner_user_id = $1 ORDER BY number FOR NO KEY UPDATE", owner
        )
        stale = [row for row in rows if key_id(row["wrapped"]) != keys.current]
        for row in stale:
            await connection.execute(
                "UPDATE tenant_keys SET wrapped = $3 WHERE owner_user_id = $1 AND number = $2",
                owner,
                row["number"],
                keys.reseal(row["wrapped"], wrapped_place(owner)),
            )
        if not stale or stale[-1]["number"] != rows[-1]["number"]:
            return bool(stale)
        await connection.execute(
            "INSERT INTO tenant_keys (owner_user_id, number, wrapped, created_at) VALUES ($1, $2, $3, $4)",
            owner,
            rows[-1]["number"] + 1,
            keys.new_data_key(owner),
            now,
        )
    return True


async def reseal(pool: Pool, keys: KeyRing, owner: OwnerId) -> Resealed:
    """Seals what this tenant has under older keys anew. What cannot be opened is counted and stays as it is."""
    done, damaged = 0, 0
    for table in await _holding(pool, keys, owner):
        last: tuple[datetime, UUID] | None = _FIRST
        while last is not None:
            batch, last = await _batch(pool, keys, owner, table, last)
            done, damaged = done + batch.records, damaged + batch.damaged
    return Resealed(done, damaged)


async def _holding(pool: Pool, keys: KeyRing, owner: OwnerId) -> Sequence[SealedTable]:
    """The tables with something of this tenant's under older keys: most tenants have nothing in most of them."""
    async with owner_scope(pool, owner) as connection:
        ring = await ring_of(connection, keys, owner)
        found = await connection.fetchrow(_ANY_STALE, owner, ring.current.to_bytes(4))
    return [table for table, stale in zip(SEALED, found or (), strict=True) if stale]


async def _batch(
    pool: Pool, keys: KeyRing, owner: OwnerId, table: SealedTable, after: tuple[datetime, UUID]
) -> tuple[Resealed, tuple[datetime, UUID] | None]:
    """At most BATCH records behind `after`, and the last of them when there may be more."""
    async with owner_scope(pool, owner) as connection:
        ring = await ring_of(connection, keys, owner)
        rows = await connection.fetch(_stale(table), owner, *after, ring.current.to_bytes(4), BATCH)
        fresh = [values for row in rows if (values := _fresh(ring, owner, table, dict(row))) is not None]
        if fresh:
            await connection.execute(_store(table), owner, *map(list, zip(*fresh, strict=True)))
    last = (rows[-1]["created_at"], rows[-1]["record"]) if len(rows) == BATCH else None
    return Resealed(len(fresh), len(rows) - len(fresh)), last


def _fresh(ring: KeyRing, owner: OwnerId, table: SealedTable, row: Mapping[str, Any]) -> tuple[Any, ...] | None:
    """The record and its columns under the current key; None when one of them cannot be opened."""
    record: UUID = row["record"]
    try:
        return record, *(
            None if row[column] is None else ring.reseal(row[column], Place(owner, table.name, column, record))
            for column in table.columns
        )
    except CannotOpen:
        return None


def _older(table: SealedTable, current: str) -> str:
    return " OR ".join(f"substring({column} FROM 1 FOR 4) <> {current}" for column in table.columns)


_ANY_STALE: Final = "SELECT " + ", ".join(
    f"EXISTS (SELECT FROM {table.name} WHERE owner_user_id = $1 AND ({_older(table, '$2')}))" for table in SEALED
)


def _stale(table: SealedTable) -> str:
    return (
        f"SELECT {table.record} AS record, created_at, {', '.join(table.columns)} FROM {table.name}"
        f" WHERE owner_user_id = $1 AND (created_at, {table.record}) > ($2, $3) AND ({_older(table, '$4')})"
        f" ORDER BY created_at, {table.record} LIMIT $5 FOR NO KEY UPDATE"
    )


def _store(table: SealedTable) -> str:
    new = ", ".join(f"{column} = fresh.{column}" for column in table.columns)
    arrays = ", ".join(f"${3 + number}::bytea[]" for number in range(len(table.columns)))
    return (
        f"UPDATE {table.name} AS t SET {new}"
        f" FROM unnest($2::uuid[], {arrays}) AS fresh (record, {', '.join(table.columns)})"
        f" WHERE t.owner_user_id = $1 AND t.{table.record} = fresh.record"
    )


async def retire(pool: Pool, owner: OwnerId, before: datetime) -> int:
    """Deletes data keys of this tenant that seal nothing any more and whose successor is older than `before`.

    What Redis still holds under them is forgotten with them. Returns how many keys went.
    """
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT number, created_at FROM tenant_keys WHERE owner_user_id = $1 ORDER BY number FOR NO KEY UPDATE",
            owner,
        )
        old = [row["number"] for row, heir in pairwise(rows) if heir["created_at"] < before]
        unused = [number for number in old if not await _seals(connection, owner, number)]
        await connection.execute(
            "DELETE FROM tenant_keys WHERE owner_user_id = $1 AND number = ANY ($2::int[])", owner, unused
        )
    return len(unused)


async def hub_key_seals(pool: Pool, owner: OwnerId, hub_key: int) -> bool:
    """Whether one of the hub's own records (`owner` is its tenant) is sealed with this key of the hub."""
    async with owner_scope(pool, owner) as connection:
        return await _seals(connection, owner, hub_key)


async def _seals(connection: Connection, owner: OwnerId, number: int) -> bool:
    for table in SEALED:
        used = " OR ".join(f"substring({column} FROM 1 FOR 4) = $2" for column in table.columns)
        found = await connection.fetchval(
            f"SELECT EXISTS (SELECT FROM {table.name} WHERE owner_user_id = $1 AND ({used}))", owner, number.to_bytes(4)
        )
        if found:
            return True
    return False
