"""Checkpoints of other hubs and cosignatures of ours, in the database: in one step, and never taken back."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.postgres import owner_scope
from policy.cosignatures import WitnessSigner, cosigners
from policy.notes import Checkpoint
from policy.witness import Seen
from registry import checkpoints, ledger_export, witness
from registry.ledger_tree import LedgerTree
from registry.witness import Cosignature
from tests.ledger_signer import Signer
from tests.stores import NOW, Stores

WITNESS = WitnessSigner("b.example/witness", bytes(range(1, 33)))


def tree(size: int, mark: int = 0) -> Checkpoint:
    return Checkpoint(f"{uuid4().hex}.example/ledger", size, bytes([mark]) * 32)


async def test_what_was_seen_goes_on_in_one_step(stores: Stores) -> None:
    pool, first = stores.pools["component"], tree(3)
    origin, host = first.origin, first.origin.partition("/")[0]
    assert await witness.remember(pool, host, first, "note", None, NOW)
    assert not await witness.remember(pool, host, first, "note", None, NOW), "it was seen"
    five = Checkpoint(origin, 5, bytes([5]) * 32)
    assert not await witness.remember(pool, host, five, "n", Seen(3, bytes([9]) * 32), NOW)
    assert not await witness.remember(pool, "other.example", five, "n", Seen(3, first.root), NOW)
    assert await witness.remember(pool, host, five, "n", Seen(3, first.root), NOW)
    found = await witness.find(pool, origin)
    assert found is not None
    assert (found.seen, found.forked_at) == (Seen(5, five.root), None)


async def test_of_many_at_once_one_goes_on(stores: Stores) -> None:
    pool, first = stores.pools["component"], tree(3)
    host = first.origin.partition("/")[0]
    await witness.remember(pool, host, first, "note", None, NOW)
    several = [Checkpoint(first.origin, 4 + number, bytes([number]) * 32) for number in range(8)]
    before = Seen(3, first.root)
    done = await asyncio.gather(*(witness.remember(pool, host, one, "n", before, NOW) for one in several))
    assert sorted(done) == [*[False] * 7, True]


async def test_a_fork_is_noted_once_and_ends_it_until_somebody_has_looked(stores: Stores) -> None:
    pool, first = stores.pools["component"], tree(3)
    host = first.origin.partition("/")[0]
    await witness.remember(pool, host, first, "note", None, NOW)
    assert await witness.forked(pool, first.origin, "the other one", NOW)
    assert not await witness.forked(pool, first.origin, "another", NOW + timedelta(1))
    four = Checkpoint(first.origin, 4, bytes(32))
    assert not await witness.remember(pool, host, four, "n", Seen(3, first.root), NOW)
    found = next(one for one in await witness.list_logs(stores.pools["gateway"]) if one.origin == first.origin)
    assert (found.forked_at, found.fork_note) == (NOW, "the other one")
    async with owner_scope(stores.pools["gateway"], HUB_OWNER) as connection:
        assert await witness.forget(connection, first.origin)
        assert not await witness.forget(connection, first.origin)
    assert await witness.remember(pool, host, four, "n", None, NOW)


async def test_our_checkpoints_are_shown_with_proofs_and_exported_with_cosignatures(stores: Stores) -> None:
    signer, owner = await Signer.of(stores), await stores.account()
    await signer.append(owner.owner, 3)
    old = await signer.sign()
    await signer.append(owner.owner, 300)
    size = await signer.sign()
    pool = stores.pools["component"]
    newest = await checkpoints.newest(pool)
    assert newest is not None
    assert newest.size == size
    assert await LedgerTree(pool, size).consistency(old), "the door may make the proof"
    line = WITNESS.cosign(Checkpoint.parse(newest.note.partition("\n\n")[0] + "\n").text, 1_800_000_000)
    key = str(WITNESS.verifier)
    assert await witness.keep(pool, Cosignature(size, key, line, NOW))
    assert not await witness.keep(pool, Cosignature(size, key, line, NOW)), "it is there"
    assert (await witness.largest(pool, key), await witness.largest(pool, "nobody")) == (size, 0)
    gateway = stores.pools["gateway"]
    assert [one.size for one in await witness.newest(gateway) if one.witness == key] == [size]
    await signer.append(owner.owner, 1)
    await signer.sign()
    end = await ledger_export.newest(gateway, witnessed=True)
    assert end.size == size
    lines = [one async for one in ledger_export.export_whole(gateway, end)]
    assert line.encode()[:20] in lines[-1]
    _, _, proven = await ledger_export.prove(gateway, None, size)
    assert cosigners(proven.note, [WITNESS.verifier]) == (), "the newest is another one, and not co-signed yet"


@pytest.mark.parametrize("statement", ["DELETE FROM", "TRUNCATE", "UPDATE"])
async def test_a_cosignature_is_never_taken_back(stores: Stores, statement: str) -> None:
    table = "ledger_cosignatures"
    sql = f"UPDATE {table} SET line = '— x\n'" if statement == "UPDATE" else f"{statement} {table}"  # noqa: S608
    signer, owner = await Signer.of(stores), await stores.account()
    await signer.append(owner.owner, 1)
    size = await signer.sign()
    line = WITNESS.cosign("x\n", 1)
    await witness.keep(stores.pools["component"], Cosignature(size, f"{WITNESS.verifier}", line, NOW))
    async with stores.superuser() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(sql)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await stores.pools["component"].execute(sql)
