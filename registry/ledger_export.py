"""The lines of an exported ledger (policy/exports.py), read from the database as they are asked for."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace

from aiox.kernel.ids import OwnerId
from aiox.runtime.postgres import Pool, owner_scope
from policy.cosignatures import with_lines
from policy.exports import Head, checkpoint_line, own_line, row_line
from policy.merkle import leaf_hash
from policy.notes import Checkpoint
from registry import checkpoints, ledger, witness
from registry.checkpoints import StoredCheckpoint
from registry.ledger_tree import LedgerTree, NotInTheTree

_PAGE = 500


class NothingSigned(Exception):
    """No checkpoint has been signed yet, so there is nothing that an export could prove."""


@dataclass(frozen=True, slots=True)
class OwnRow:
    """One of an owner's records as it was hashed."""

    seq: int
    record: bytes


async def export_whole(pool: Pool, upto: StoredCheckpoint | None = None) -> AsyncIterator[bytes]:
    """Every record that lies in the database, to the checkpoint `upto` or the newest. Raises NothingSigned."""
    end = upto or await newest(pool)
    begin = await checkpoints.last_segment(pool)
    edge = await LedgerTree(pool, end.size).edge(begin.last_seq)
    keys = tuple(stored.key for stored in await checkpoints.list_keys(pool))
    origin = Checkpoint.parse(end.note.partition("\n\n")[0] + "\n").origin
    yield Head("whole", origin, end.size, keys, begin.last_seq, begin.last_hash, edge).encode()
    async for page in ledger.records(pool, begin.last_seq, end.size):
        signed = await checkpoints.between(pool, page[0][0] - 1, page[-1][0])
        cosigned = await witness.lines_between(pool, page[0][0] - 1, page[-1][0]) if signed else {}
        for seq, record, hashed in page:
            yield row_line(seq, hashed, leaf_hash(record), record)
            if seq in signed:
                yield checkpoint_line(with_lines(signed[seq].note, cosigned.get(seq, ())))


async def export_own(pool: Pool, owner: OwnerId, upto: StoredCheckpoint | None = None) -> AsyncIterator[bytes]:
    """An owner's records that are signed and not sealed, each with its proof. Raises NothingSigned."""
    end = upto or await newest(pool)
    keys = tuple(stored.key for stored in await checkpoints.list_keys(pool))
    origin = Checkpoint.parse(end.note.partition("\n\n")[0] + "\n").origin
    async with owner_scope(pool, owner) as connection:
        count = await connection.fetchval(
            "SELECT count(*) FROM audit_logs WHERE owner_user_id = $1 AND seq <= $2", owner, end.size
        )
    yield Head("own", origin, end.size, keys, owner=owner, rows=count).encode()
    yield checkpoint_line(await _with_witnesses(pool, end))
    tree = LedgerTree(pool, end.size)
    after = 0
    while page := await _own_page(pool, owner, after, end.size):
        after = page[-1].seq
        for row, proof in zip(page, await tree.inclusion([row.seq - 1 for row in page]), strict=True):
            yield own_line(row.seq, proof, row.record)
        tree.forget()


async def prove(pool: Pool, owner: OwnerId | None, seq: int) -> tuple[bytes, list[bytes], StoredCheckpoint]:
    """One record, its proof and the checkpoint it leads to; of any owner for None.

    Raises NotInTheTree when there is no such record of this owner in the database, or nobody has signed it yet.
    """
    end = await checkpoints.newest(pool)
    found = await _one(pool, owner, seq)
    if end is None or seq > end.size or found is None:
        raise NotInTheTree(f"there is no signed record {seq} here")
    [proof] = await LedgerTree(pool, end.size).inclusion([seq - 1])
    return found, proof, replace(end, note=await _with_witnesses(pool, end))


async def _one(pool: Pool, owner: OwnerId | None, seq: int) -> bytes | None:
    if owner is None:
        row = await pool.fetchrow("SELECT record FROM ledger_records($1, 1) WHERE seq = $2", seq - 1, seq)
        return None if row is None else bytes(row["record"])
    page = await _own_page(pool, owner, seq - 1, seq)
    return page[0].record if page else None


async def _own_page(pool: Pool, owner: OwnerId, after: int, to: int) -> Sequence[OwnRow]:
    async with owner_scope(pool, owner) as connection:
        rows = await connection.fetch(
            "SELECT seq, record FROM audit_logs WHERE owner_user_id = $1 AND seq > $2 AND seq <= $3"
            " ORDER BY seq LIMIT $4",
            owner,
            after,
            to,
            _PAGE,
        )
    return [OwnRow(row["seq"], bytes(row["record"])) for row in rows]


async def _with_witnesses(pool: Pool, end: StoredCheckpoint) -> str:
    return with_lines(end.note, (await witness.lines_between(pool, end.size - 1, end.size)).get(end.size, ()))


async def newest(pool: Pool, *, witnessed: bool = False) -> StoredCheckpoint:
    """The newest checkpoint; with `witnessed` the newest that another hub has co-signed. Raises NothingSigned."""
    end = await checkpoints.newest(pool)
    if witnessed:
        size = max([one.size for one in await witness.newest(pool)], default=0)
        end = (await checkpoints.between(pool, size - 1, size)).get(size)
        if end is None:
            raise NothingSigned("no other hub has co-signed a checkpoint of the ledger yet")
    if end is None:
        raise NothingSigned(
            "no checkpoint of the ledger has been signed yet; the orchestrator signs one within a minute"
        )
    return end
