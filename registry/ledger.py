"""The append-only ledger. One head, any number of writers; hashing happens inside the database (revision 0002)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence

import asyncpg

from aiox.runtime.postgres import Connection, Pool
from policy.ledger import GENESIS, Fault, Record, Row, verify

_PAGE = 2000


async def append(where: Pool | Connection, records: Sequence[Record]) -> None:
    """Writes records at the end of the chain. Raises asyncpg.PostgresError; then nothing was written."""
    if records:
        await where.fetchval("SELECT ledger_append($1)", [record.encode() for record in records])


async def read(where: Pool | Connection, after: int = 0) -> AsyncIterator[list[Row]]:
    """All records after a sequence number, page by page, columns compared with what was hashed."""
    while True:
        found = await where.fetch("SELECT * FROM ledger_read($1, $2)", after, _PAGE)
        if not found:
            return
        yield [_row(record) for record in found]
        after = found[-1]["seq"]


async def verify_chain(where: Pool | Connection) -> tuple[int, bytes] | Fault:
    """Walks the whole chain to its head and beyond. Returns the last seq and hash, or the first fault.

    The head is read first: what is appended meanwhile is verified too, what was cut off at the end is missed.
    """
    known = await where.fetchval("SELECT ledger_head()")
    seq, head = 0, GENESIS
    async for page in read(where):
        result = verify(page, seq, head)
        if isinstance(result, Fault):
            return result
        seq, head = result
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
