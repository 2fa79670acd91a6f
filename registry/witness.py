"""What this hub has seen of other hubs' ledgers, and who has co-signed its own (revision 0031)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from aiox.runtime.postgres import Connection, Pool
from policy.notes import Checkpoint
from policy.witness import Seen
from registry.checkpoints import Where


@dataclass(frozen=True, slots=True)
class SeenLog:
    """The newest checkpoint of another hub's ledger that was co-signed here.

    `forked_at`: when that hub showed one that does not go on from it, `fork_note`; then none is co-signed any more.
    """

    origin: str
    domain: str
    seen: Seen
    note: str
    seen_at: datetime
    forked_at: datetime | None = None
    fork_note: str = ""


@dataclass(frozen=True, slots=True)
class Cosignature:
    """A line on one of this ledger's checkpoints. `witness`: the key's published form."""

    size: int
    witness: str
    line: str
    signed_at: datetime


async def find(pool: Pool, origin: str) -> SeenLog | None:
    """What was co-signed of a log last; None when nothing was."""
    row = await pool.fetchrow("SELECT * FROM witnessed_logs WHERE origin = $1", origin)
    return None if row is None else _log(row)


async def list_logs(where: Connection | Pool) -> Sequence[SeenLog]:
    """All logs, by origin."""
    return [_log(row) for row in await where.fetch("SELECT * FROM witnessed_logs ORDER BY origin")]


async def remember(pool: Pool, domain: str, found: Checkpoint, note: str, before: Seen | None, now: datetime) -> bool:
    """Puts a checkpoint in the place of the one before, before it is co-signed; in one step, so that two requests at
    once do not both go on from the same. False when another one stands there by now.
    """
    if before is None:
        done = await pool.fetchval(
            "INSERT INTO witnessed_logs (origin, domain, size, root, note, seen_at) VALUES ($1, $2, $3, $4, $5, $6)"
            " ON CONFLICT DO NOTHING RETURNING true",
            *(found.origin, domain, found.size, found.root, note, now),
        )
    else:
        done = await pool.fetchval(
            "UPDATE witnessed_logs SET size = $3, root = $4, note = $5, seen_at = $6 WHERE origin = $1 AND domain = $2"
            " AND size = $7 AND root = $8 AND forked_at IS NULL RETURNING true",
            *(found.origin, domain, found.size, found.root, note, now, before.size, before.root),
        )
    return bool(done)


async def forked(pool: Pool, origin: str, note: str, now: datetime) -> bool:
    """Notes the checkpoint that does not go on from what was seen; false when one is noted already."""
    done = await pool.fetchval(
        "UPDATE witnessed_logs SET forked_at = $3, fork_note = $2"
        " WHERE origin = $1 AND forked_at IS NULL RETURNING true",
        origin,
        note,
        now,
    )
    return bool(done)


async def forget(connection: Connection, origin: str) -> bool:
    """Begins anew with a log, after an admin has looked. False when nothing is known of it."""
    return bool(await connection.fetchval("DELETE FROM witnessed_logs WHERE origin = $1 RETURNING true", origin))


async def largest(pool: Pool, witness: str) -> int:
    """The largest size of this hub's own tree that a witness has co-signed; 0 for none."""
    return int(await pool.fetchval("SELECT max(size) FROM ledger_cosignatures WHERE witness = $1", witness) or 0)


async def keep(pool: Pool, found: Cosignature) -> bool:
    """Stores a cosignature that was checked; false when it is there."""
    done = await pool.fetchval(
        "INSERT INTO ledger_cosignatures (size, witness, line, signed_at) VALUES ($1, $2, $3, $4)"
        " ON CONFLICT DO NOTHING RETURNING true",
        *(found.size, found.witness, found.line, found.signed_at),
    )
    return bool(done)


async def lines_between(where: Where, after: int, to: int) -> Mapping[int, Sequence[str]]:
    """The cosignature lines of checkpoints of more than `after` and at most `to` records, by size."""
    rows = await where.fetch(
        "SELECT size, line FROM ledger_cosignatures WHERE size > $1 AND size <= $2 ORDER BY size, witness", after, to
    )
    found: dict[int, list[str]] = {}
    for row in rows:
        found.setdefault(row["size"], []).append(row["line"])
    return found


async def newest(where: Connection | Pool) -> Sequence[Cosignature]:
    """Of each witness its newest cosignature."""
    rows = await where.fetch(
        "SELECT DISTINCT ON (witness) size, witness, line, signed_at FROM ledger_cosignatures"
        " ORDER BY witness, size DESC"
    )
    return [Cosignature(row["size"], row["witness"], row["line"], row["signed_at"]) for row in rows]


def _log(row: asyncpg.Record) -> SeenLog:
    return SeenLog(
        row["origin"],
        row["domain"],
        Seen(row["size"], bytes(row["root"])),
        row["note"],
        row["seen_at"],
        row["forked_at"],
        row["fork_note"],
    )
