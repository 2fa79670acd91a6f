"""Signed checkpoints of the ledger, the keys that sign them, and the segments that were sealed (revision 0013)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import asyncpg

from aiox.runtime.postgres import Connection, LoneConnection, Pool
from policy.growth import Growth
from policy.ledger import GENESIS, Record
from policy.merkle import Node
from policy.notes import VerifierKey

Where: TypeAlias = "Pool | Connection | LoneConnection"


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A tree head that was signed. `hash` is the chain's at this size, `edge` the peaks of the tree."""

    size: int
    root: bytes
    hash: bytes
    edge: tuple[bytes, ...]
    note: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class StoredKey:
    """A key that signs checkpoints, or did until `retired_at`."""

    number: int
    key: VerifierKey
    created_at: datetime
    retired_at: datetime | None


@dataclass(frozen=True, slots=True)
class Segment:
    """Records up to `last_seq` lie in files; the chain goes on from `last_hash`. Nothing was sealed: 0 and GENESIS."""

    last_seq: int = 0
    last_hash: bytes = GENESIS


@dataclass(frozen=True, slots=True)
class NewSegment:
    """What is sealed: up to which record, under which checkpoint, and the file that holds it."""

    last: Segment
    checkpoint_size: int
    file_sha256: bytes
    file_bytes: int


async def newest(where: Where, before: datetime | None = None) -> StoredCheckpoint | None:
    """The newest checkpoint, or the newest that was signed before an instant; None when there is none."""
    row = await where.fetchrow(
        "SELECT * FROM ledger_checkpoints WHERE created_at < coalesce($1::timestamptz, 'infinity')"
        " ORDER BY size DESC LIMIT 1",
        before,
    )
    return None if row is None else _checkpoint(row)


async def list_newest(where: Where, limit: int, below: int | None = None) -> Sequence[StoredCheckpoint]:
    """Checkpoints, the newest first, of fewer than `below` records."""
    rows = await where.fetch(
        "SELECT * FROM ledger_checkpoints WHERE size < coalesce($1::bigint, 9223372036854775807)"
        " ORDER BY size DESC LIMIT $2",
        below,
        limit,
    )
    return [_checkpoint(row) for row in rows]


async def between(where: Where, after: int, to: int) -> Mapping[int, StoredCheckpoint]:
    """Checkpoints of more than `after` and at most `to` records, by size."""
    rows = await where.fetch("SELECT * FROM ledger_checkpoints WHERE size > $1 AND size <= $2", after, to)
    return {row["size"]: _checkpoint(row) for row in rows}


async def store(where: Where, previous: int, grown: Growth, note: str, now: datetime) -> bool:
    """Writes a checkpoint behind the one of `previous` records; false when another was written first.

    Raises asyncpg.ObjectNotInPrerequisiteStateError when the ledger's last record is another one.
    """
    nodes: list[tuple[Node, bytes]] = list(grown.nodes.items())
    stored = await where.fetchval(
        "SELECT ledger_sign($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        previous,
        grown.tree.size,
        grown.tree.root(),
        grown.hash,
        grown.tree.peaks,
        note,
        now,
        [level for (level, _), _ in nodes],
        [number for (_, number), _ in nodes],
        [hashed for _, hashed in nodes],
    )
    return bool(stored)


async def list_keys(where: Where) -> Sequence[StoredKey]:
    """Every key that ever signed, the newest first."""
    rows = await where.fetch("SELECT * FROM ledger_keys ORDER BY number DESC")
    return [
        StoredKey(
            row["number"], VerifierKey(row["name"], bytes(row["public_key"])), row["created_at"], row["retired_at"]
        )
        for row in rows
    ]


async def add_key(where: Where, number: int, key: VerifierKey, now: datetime, record: Record) -> bool:
    """Publishes a key with its ledger row; false when it was there."""
    added = await where.fetchval(
        "SELECT ledger_key_add($1, $2, $3, $4, $5)", number, key.name, key.public, now, record.encode()
    )
    return bool(added)


async def retire_key(where: Where, number: int, now: datetime, record: Record) -> bool:
    """Marks a key as one that signs no more, with its ledger row; false when it was marked."""
    return bool(await where.fetchval("SELECT ledger_key_retire($1, $2, $3)", number, now, record.encode()))


async def last_segment(where: Where) -> Segment:
    """Where the ledger in the database begins."""
    row = await where.fetchrow("SELECT last_seq, last_hash FROM ledger_segments ORDER BY last_seq DESC LIMIT 1")
    return Segment() if row is None else Segment(row["last_seq"], bytes(row["last_hash"]))


async def seal(where: Where, segment: NewSegment, now: datetime, record: Record) -> int:
    """Takes sealed records out of the database, in one commit with the segment and its ledger row.

    Returns how many. Raises asyncpg.PostgresError when the segment's end is none of the ledger; nothing changes then.
    """
    gone = await where.fetchval(
        "SELECT ledger_seal($1, $2, $3, $4, $5, $6, $7)",
        segment.last.last_seq,
        segment.last.last_hash,
        segment.checkpoint_size,
        segment.file_sha256,
        segment.file_bytes,
        now,
        record.encode(),
    )
    return int(gone)


def _checkpoint(row: asyncpg.Record | Mapping[str, Any]) -> StoredCheckpoint:
    return StoredCheckpoint(
        size=row["size"],
        root=bytes(row["root"]),
        hash=bytes(row["hash"]),
        edge=tuple(bytes(peak) for peak in row["edge"]),
        note=row["note"],
        created_at=row["created_at"],
    )
