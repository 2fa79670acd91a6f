"""The append-only ledger. One head, any number of writers; hashing happens inside the database (revision 0002)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence

import asyncpg

from aiox.runtime.postgres import Connection, Pool
from policy.ledger import Fault, Record, Row, verify
from registry.checkpoints import last_segment
from registry.ledger_signed import SignedTree

PAGE = 2000


async def append(where: Pool | Connection, records: Sequence[Record]) -> None:
    """Writes records at the end of the chain. Raises asyncpg.PostgresError; then nothing was written."""
    if records:
        await where.fetchval("SELECT ledger_append($1)", [record.encode() for record in records])


async def read(where: Pool | Connection, after: int = 0) -> AsyncIterator[list[Row]]:
    """All records after a sequence number, page by page, columns compared with what was hashed."""
    while True:
        found = await where.fetch("SELECT * FROM ledger_read($1, $2)", after, PAGE)
        if not found:
            return
        yield [_row(record) for record in found]
        after = found[-1]["seq"]


async def records(
    where: Pool | Connection, after: int, to: int | None = None
) -> AsyncIterator[list[tuple[int, bytes, bytes]]]:
    """Number, bytes and chain hash of the records behind `after`, up to `to` where it is given, page by page."""
    while to is None or after < to:
        limit = PAGE if to is None else min(PAGE, to - after)
        found = await where.fetch("SELECT seq, record, hash FROM ledger_records($1, $2)", after, limit)
        if found:
            yield [(row["seq"], bytes(row["record"]), bytes(row["hash"])) for row in found]
            after = found[-1]["seq"]
        if len(found) < limit:
            return


async def verify_chain(where: Pool | Connection) -> tuple[int, bytes] | Fault:
    """Walks the whole chain and tree, from what was sealed to the head and beyond, with every checkpoint on the way.

    Returns the last seq and hash, or the first fault. The head is read first: what is appended meanwhile is verified
    too, what was cut off at the end is missed.
    """
    tree = await SignedTree.begin(where)
    known = max(await where.fetchval("SELECT ledger_head()"), tree.signed)
    begin = await last_segment(where)
    seq, head = begin.last_seq, begin.last_hash
    async for page in read(where, seq):
        result = verify(page, seq, head)
        fault = result if isinstance(result, Fault) else await tree.grow(page)
        if fault is not None:
            return fault
        seq, head = page[-1].seq, page[-1].hash
    return (seq, head) if seq >= known else Fault(seq + 1, f"missing: the head of the chain is {known}")


def _row(found: asyncpg.Record) -> Row:
    said = json.loads(bytes(found["record"]))
    columns_match = (
        said["id"] == str(found["id"])
        and said["owner_user_id"] == str(found["owner_user_id"])
        and said["event_type"] == found["event_type"]
        and said["severity"] == found["severity"]
        and said["details"] == json.loads(found["details"])
        and said["actor"] == found["actor"]
        and said["created_at"] == found["created_at"].isoformat(timespec="microseconds")
        and all(
            said[name] == (str(found[name]) if found[name] else None)
            for name in ("correlation_id", "request_id", "organisation_id")
        )
    )
    return Row(
        seq=found["seq"],
        record=bytes(found["record"]),
        previous_hash=bytes(found["previous_hash"]),
        hash=bytes(found["hash"]),
        columns_match=columns_match,
    )
