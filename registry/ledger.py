"""The append-only ledger. One head, any number of writers; hashing happens inside the database (revision 0002)."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence

import asyncpg

from aiox.runtime.postgres import Connection, Pool
from policy.ledger import Fault, Record, Row, verify
from policy.merkle import Frontier, leaf_hash
from policy.notes import BadNote, Checkpoint, VerifierKey, open_note
from registry.checkpoints import StoredCheckpoint, between, last_segment, list_keys, newest
from registry.ledger_tree import LedgerTree

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
    signed = await newest(where)
    known = max(await where.fetchval("SELECT ledger_head()"), signed.size if signed else 0)
    begin = await last_segment(where)
    keys = [stored.key for stored in await list_keys(where)]
    seq, head = begin.last_seq, begin.last_hash
    tree = Frontier(seq, await LedgerTree(where, seq).edge(seq))
    async for page in read(where, seq):
        result = verify(page, seq, head)
        if isinstance(result, Fault):
            return result
        fault = _signed(tree, page, await between(where, seq, result[0]), keys)
        if fault is not None:
            return fault
        seq, head = result
    return (seq, head) if seq >= known else Fault(seq + 1, f"missing: the head of the chain is {known}")


def _signed(
    tree: Frontier, page: Sequence[Row], signed: Mapping[int, StoredCheckpoint], keys: Sequence[VerifierKey]
) -> Fault | None:
    for row in page:
        tree.extend([leaf_hash(row.record)])
        stored = signed.get(row.seq)
        if stored is None:
            continue
        try:
            found = Checkpoint.parse(open_note(stored.note, keys)[0])
        except BadNote as bad:
            return Fault(row.seq, f"the checkpoint behind it proves nothing: {bad}")
        if (found.size, found.root) != (tree.size, tree.root()):
            return Fault(row.seq, "up to it the records are not those that were signed")
    return None


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
