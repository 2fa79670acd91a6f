"""Second factors: the sealed secret of each account that has one, and digests of its recovery codes. Owner-scoped."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from aiox.kernel.ids import OwnerId
from aiox.runtime.keyring import Place
from aiox.runtime.postgres import Connection, Pool, owner_scope


@dataclass(frozen=True, slots=True)
class SecondFactor:
    """What is stored. `last_step` is the newest time step whose code was used; `failures` are those in a row."""

    sealed: bytes
    confirmed: bool
    last_step: int
    failures: int
    blocked_until: datetime | None


def place(owner: OwnerId) -> Place:
    """What binds a sealed secret to its account."""
    return Place(owner, "second_factors", "secret", owner)


@asynccontextmanager
async def locked(pool: Pool, owner: OwnerId) -> AsyncIterator[tuple[Connection, SecondFactor | None]]:
    """The account's factor, held until the block ends, so that no code is used twice at once."""
    async with owner_scope(pool, owner) as connection:
        row = await connection.fetchrow(
            "SELECT secret, confirmed_at, last_step, failures, blocked_until FROM second_factors"
            " WHERE owner_user_id = $1 FOR UPDATE",
            owner,
        )
        found = row and SecondFactor(
            row["secret"], row["confirmed_at"] is not None, row["last_step"], row["failures"], row["blocked_until"]
        )
        yield connection, found or None


async def begin(connection: Connection, owner: OwnerId, sealed: bytes, now: datetime) -> None:
    """Stores a secret that does not count until it is confirmed; one begun before gives way to it."""
    await connection.execute(
        "INSERT INTO second_factors (owner_user_id, secret, created_at) VALUES ($1, $2, $3)"
        " ON CONFLICT (owner_user_id) DO UPDATE SET secret = EXCLUDED.secret, created_at = EXCLUDED.created_at,"
        " last_step = 0, failures = 0, blocked_until = NULL WHERE second_factors.confirmed_at IS NULL",
        owner,
        sealed,
        now,
    )


async def confirm(connection: Connection, owner: OwnerId, step: int, recovery: Sequence[bytes], now: datetime) -> None:
    """From now on sign-in asks for it. `recovery` are digests of the codes that replace it once each."""
    await connection.execute(
        "UPDATE second_factors SET confirmed_at = $2, last_step = $3, failures = 0, blocked_until = NULL"
        " WHERE owner_user_id = $1",
        owner,
        now,
        step,
    )
    await connection.executemany(
        "INSERT INTO recovery_codes (owner_user_id, hash, created_at) VALUES ($1, $2, $3)",
        [(owner, digest, now) for digest in recovery],
    )


async def passed(connection: Connection, owner: OwnerId, step: int) -> None:
    """A code of this time step was right; it and older ones are used."""
    await connection.execute(
        "UPDATE second_factors SET last_step = greatest(last_step, $2), failures = 0, blocked_until = NULL"
        " WHERE owner_user_id = $1",
        owner,
        step,
    )


async def failed(connection: Connection, owner: OwnerId, blocked_until: datetime | None) -> None:
    """A code was wrong."""
    await connection.execute(
        "UPDATE second_factors SET failures = failures + 1, blocked_until = $2 WHERE owner_user_id = $1",
        owner,
        blocked_until,
    )


async def use_recovery(connection: Connection, owner: OwnerId, digest: bytes, now: datetime) -> bool:
    """Uses a recovery code up. False for one that is unknown or used."""
    used = await connection.fetchval(
        "UPDATE recovery_codes SET used_at = $3 WHERE owner_user_id = $1 AND hash = $2 AND used_at IS NULL"
        " RETURNING true",
        owner,
        digest,
        now,
    )
    return bool(used)


async def count_recovery(connection: Connection, owner: OwnerId) -> int:
    """How many recovery codes are left."""
    left: int = await connection.fetchval(
        "SELECT count(*) FROM recovery_codes WHERE owner_user_id = $1 AND used_at IS NULL", owner
    )
    return left


async def remove(connection: Connection, owner: OwnerId) -> None:
    """Takes the factor away, recovery codes and all."""
    await connection.execute("DELETE FROM second_factors WHERE owner_user_id = $1", owner)
