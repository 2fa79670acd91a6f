"""Retention of the ledger: old records leave the database for a file that was checked, and a record says so.

Nothing goes silently. The file is a whole export and proves itself; its digest and its end stand in `ledger.sealed`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import uuid4

from aiox.commands.hub import Actor, Hub
from aiox.commands.refusal import refused
from aiox.kernel.actions import Action
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.outcome import Refused
from policy.growth import TILE
from policy.ledger import Record
from registry import checkpoints, ledger, ledger_export
from registry.checkpoints import NewSegment, Segment, StoredCheckpoint

ACTION: Final = Action.LEDGER_SEAL
EVENT: Final = "ledger.sealed"
RULE_NOTHING: Final = "L3 nothing-to-seal"


@dataclass(frozen=True, slots=True)
class Kept:
    """A file that holds the records, read back and found good."""

    name: str
    sha256: bytes
    size: int


@dataclass(frozen=True, slots=True)
class Sealed:
    """Which records went, and where they are."""

    first: int
    last: int
    file: str


Keep = Callable[[int, int, AsyncIterator[bytes]], Awaitable[Kept]]
"""Writes the lines of records `first` to `last` to a file, for good, and checks it. Raises when it does not hold."""
Remove = Callable[[NewSegment, datetime, Record], Awaitable[int]]
"""registry.checkpoints.seal as the role that may (the keeper). Raises what PostgreSQL raised."""


async def run(hub: Hub, actor: Actor, before: datetime, keep: Keep, remove: Remove) -> Sealed | Refused:
    """Seals what was signed before an instant, in whole subtrees of 256 records. CONFLICT when that is nothing."""
    no = await refused(hub, actor, ACTION, HUB_OWNER)
    if no is not None:
        return no
    begin = await checkpoints.last_segment(hub.pool)
    end = await checkpoints.newest(hub.pool, before)
    last = 0 if end is None else end.size // TILE * TILE
    if end is None or last <= begin.last_seq:
        return Refused(ErrorCode.CONFLICT, "There is nothing to seal: too few records are that old.", (RULE_NOTHING,))
    first = begin.last_seq + 1
    kept = await keep(first, end.size, ledger_export.export_whole(hub.pool, end))
    segment = NewSegment(Segment(last, await _hash_at(hub, last)), end.size, kept.sha256, kept.size)
    await remove(segment, hub.clock.now(), _record(hub, actor, first, end, segment))
    return Sealed(first, last, kept.name)


async def _hash_at(hub: Hub, seq: int) -> bytes:
    async for page in ledger.records(hub.pool, seq - 1, seq):
        return page[0][2]
    raise RuntimeError(f"record {seq} of the ledger was exported a moment ago and is gone")


def _record(hub: Hub, actor: Actor, first: int, end: StoredCheckpoint, segment: NewSegment) -> Record:
    return Record(
        id=uuid4(),
        owner=actor.owner,
        event_type=EVENT,
        severity="warning",
        details={
            "first": first,
            "last": segment.last.last_seq,
            "last_hash": segment.last.last_hash.hex(),
            "checkpoint_size": end.size,
            "root": end.root.hex(),
            "file_sha256": segment.file_sha256.hex(),
            "file_bytes": segment.file_bytes,
        },
        created_at=hub.clock.now(),
        actor=actor.jid,
    )
