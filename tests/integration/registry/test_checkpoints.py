"""Checkpoints on the real database: signed to the end, refused when the ledger was changed, proven from the tree."""

# ruff: noqa: S608 -- numbers are ours

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from uuid import uuid4

import asyncpg
import pytest

from aiox.commands.hub import Actor
from aiox.kernel.ids import HUB_OWNER
from orchestrator.checkpoints import NotSigned
from policy.audit import verify_export
from policy.findings import Known, Verified
from policy.growth import Growth
from policy.ledger import Fault, Record
from policy.merkle import verify_consistency
from policy.notes import SignerKey
from registry import checkpoints, ledger, ledger_export
from registry.ledger_tree import LedgerTree, NotInTheTree
from tests.ledger_signer import ORIGIN, HandClock, Signer
from tests.stores import NOW, Stores


@pytest.fixture
async def signer(stores: Stores) -> Signer:
    return await Signer.of(stores)


@pytest.fixture
async def ada(stores: Stores) -> Actor:
    return await stores.account()


async def lines(found: AsyncIterator[bytes]) -> list[bytes]:
    return [line async for line in found]


async def test_what_arrived_is_signed_and_the_export_holds(signer: Signer, ada: Actor) -> None:
    await signer.append(ada.owner, 700)
    size = await signer.sign()
    await signer.append(ada.owner, 3)
    assert await signer.sign() == size + 3
    exported = await lines(ledger_export.export_whole(signer.stores.pools["gateway"]))
    found = verify_export(exported, Known((signer.key(),)))
    assert isinstance(found, Verified), found
    assert found.to == size + 3
    assert not isinstance(await ledger.verify_chain(signer.stores.pools["gateway"]), Fault)


async def test_nothing_new_is_not_signed_again(signer: Signer, ada: Actor) -> None:
    await signer.append(ada.owner, 1)
    size = await signer.sign()
    assert await signer.sign() == size
    newest = await checkpoints.newest(signer.pool)
    assert newest is not None
    assert newest.size == size


async def test_a_second_signer_is_content_with_the_first_ones_checkpoint(signer: Signer, ada: Actor) -> None:
    await signer.append(ada.owner, 1)
    size = await signer.sign()
    await signer.append(ada.owner, 1)
    second = Signer(signer.stores, signer.seeds, HandClock(signer.clock.at - timedelta(seconds=50)))
    assert await second.sign() == size
    second.clock.at = signer.clock.at - timedelta(days=1)  # a clock that was set back is no reason to wait for a day
    assert await second.sign() == size + 1


async def test_of_two_at_once_one_is_first(signer: Signer, ada: Actor) -> None:
    await signer.append(ada.owner, 1)
    size = await signer.sign()
    last = await checkpoints.newest(signer.pool)
    assert last is not None
    again = Growth(last.size, last.edge, last.hash)
    assert not await checkpoints.store(signer.pool, size - 1, again, "note", signer.clock.now())
    assert not await checkpoints.store(signer.pool, size, again, "note", signer.clock.now())


async def test_every_proof_of_an_owners_export_holds_and_shows_nobody_else(signer: Signer, stores: Stores) -> None:
    ada, eve = await stores.account(), await stores.account()
    for _ in range(3):
        await signer.append(ada.owner, 90)
        await signer.append(eve.owner, 110)
    size = await signer.sign()
    exported = await lines(ledger_export.export_own(stores.pools["gateway"], ada.owner))
    found = verify_export(exported, Known((signer.key(),)))
    assert isinstance(found, Verified), found
    assert (found.records, found.to) == (270, size)
    assert str(eve.owner).encode() not in b"".join(exported)


async def test_one_record_is_proven_to_its_owner_only(signer: Signer, stores: Stores) -> None:
    ada, eve = await stores.account(), await stores.account()
    await signer.append(ada.owner, 1)
    size = await signer.sign()
    pool = stores.pools["gateway"]
    for owner in (ada.owner, None):
        record, _, end = await ledger_export.prove(pool, owner, size)
        assert (str(ada.owner).encode() in record, end.size) == (True, size)
    for owner, seq in ((eve.owner, size), (ada.owner, size + 1), (ada.owner, 0), (None, size + 1)):
        with pytest.raises(NotInTheTree):
            await ledger_export.prove(pool, owner, seq)


async def test_every_checkpoint_is_the_beginning_of_the_next(signer: Signer, ada: Actor) -> None:
    for count in (1, 255, 300):
        await signer.append(ada.owner, count)
        await signer.sign()
    newest, *older = await checkpoints.list_newest(signer.pool, 50)
    tree = LedgerTree(signer.stores.pools["gateway"], newest.size)
    for old in older:
        proof = await tree.consistency(old.size)
        assert verify_consistency(old.size, newest.size, proof, old.root, newest.root)
    with pytest.raises(NotInTheTree):
        await tree.consistency(newest.size + 1)


async def test_keys_change_with_an_overlap_and_both_are_on_record(signer: Signer, ada: Actor) -> None:
    pool = signer.stores.pools["gateway"]
    old = signer.key()
    number = max([stored.number for stored in await checkpoints.list_keys(pool)], default=1) + 1
    signer.seeds = {number: os.urandom(32), **signer.seeds}
    await signer.append(ada.owner, 5)
    await signer.sign()
    signer.seeds = {number: signer.seeds[number]}
    await signer.append(ada.owner, 5)
    await signer.sign()
    await signer.append(ada.owner, 5)
    await signer.sign()
    stored = {one.number: one for one in await checkpoints.list_keys(pool)}
    assert stored[1].retired_at is not None
    assert stored[number].retired_at is None
    exported = await lines(ledger_export.export_whole(pool))
    for known in ((old,), ()):
        assert isinstance(verify_export(exported, Known(known)), Verified)
    events = [row async for page in ledger.records(pool, 0) for row in page if b'"ledger.key_' in row[1]]
    told = [(str(signer.key(number)).encode() in record, b"key_retired" in record) for _, record, _ in events]
    assert told[-2:] == [(True, False), (False, True)]


def forged_key() -> Record:
    key = str(SignerKey(ORIGIN, b"f" * 32).verifier)
    return Record(uuid4(), HUB_OWNER, "ledger.key_added", "info", {"key": key}, NOW, "hub")


@pytest.mark.control
async def test_whom_the_guard_lets_through_introduces_one(signer: Signer) -> None:
    async with signer.pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await ledger.append(connection, [forged_key()])
        found = [row async for page in ledger.records(connection, 0) for row in page]
        assert b"ledger.key_added" in found[-1][1]
        await transaction.rollback()


async def test_the_web_door_cannot_introduce_a_key_that_verifiers_would_trust(signer: Signer, ada: Actor) -> None:
    await signer.append(ada.owner, 1)
    size = await signer.sign()
    forged = forged_key()
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="only the signer and the keeper"):
        await ledger.append(signer.stores.pools["gateway"], [forged])
    assert await signer.sign() == size


@pytest.mark.parametrize("table", ["audit_logs", "ledger_checkpoints", "ledger_nodes", "ledger_segments"])
@pytest.mark.parametrize("verb", ["UPDATE {} SET {} = {}", "DELETE FROM {}", "TRUNCATE {} CASCADE"])
async def test_not_even_the_superuser_changes_it_by_mistake(stores: Stores, table: str, verb: str) -> None:
    column = {"audit_logs": "actor", "ledger_checkpoints": "note", "ledger_nodes": "hash"}.get(table, "last_hash")
    async with stores.superuser() as connection:
        if table == "ledger_segments" and not verb.startswith("TRUNCATE"):
            return  # no row of it yet: the sealing test has one
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await connection.execute(verb.format(table, column, column))


@pytest.mark.control
async def test_without_the_trigger_it_is_changed(stores: Stores) -> None:
    async with stores.superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("ALTER TABLE audit_logs DISABLE TRIGGER USER")
        assert await connection.execute("UPDATE audit_logs SET actor = actor WHERE seq = 1") == "UPDATE 1"
        await transaction.rollback()


async def tampered(signer: Signer, statement: str) -> list[str]:
    """What signer and live check say of a ledger that was changed behind their back; changed back afterwards."""
    said = []
    async with signer.stores.superuser() as connection:
        await connection.execute("ALTER TABLE audit_logs DISABLE TRIGGER USER")
        await connection.execute("ALTER TABLE ledger_checkpoints DISABLE TRIGGER USER")
        await connection.execute("CREATE TABLE was AS SELECT * FROM audit_logs")
        await connection.execute("CREATE TABLE was_signed AS SELECT * FROM ledger_checkpoints")
        try:
            await connection.execute(statement)
            try:
                await signer.sign()
            except NotSigned as refused:
                said.append(str(refused))
            found = await ledger.verify_chain(signer.stores.pools["gateway"])
            if isinstance(found, Fault):
                said.append(f"record {found.seq}: {found.what}")
        finally:
            await connection.execute("DELETE FROM audit_logs; INSERT INTO audit_logs SELECT * FROM was; DROP TABLE was")
            await connection.execute(
                "DELETE FROM ledger_checkpoints; INSERT INTO ledger_checkpoints SELECT * FROM was_signed;"
                " DROP TABLE was_signed"
            )
            await connection.execute("ALTER TABLE audit_logs ENABLE TRIGGER USER")
            await connection.execute("ALTER TABLE ledger_checkpoints ENABLE TRIGGER USER")
    return said


async def test_a_ledger_that_was_changed_past_the_hub_is_not_signed(signer: Signer, ada: Actor) -> None:
    await signer.append(ada.owner, 3)
    size = await signer.sign()
    await signer.append(ada.owner, 3)
    new = f"UPDATE audit_logs SET record = record || ' ' WHERE seq = {size + 2}"
    assert len(await tampered(signer, new)) == 2
    cut = f"DELETE FROM audit_logs WHERE seq = {size + 2}"
    assert len(await tampered(signer, cut)) == 2
    signed = f"UPDATE ledger_checkpoints SET edge = edge[:1], root = edge[1] WHERE size = {size}"
    assert any(
        "is not the one that was signed" in one or "an edge of" in one for one in await tampered_edge(signer, signed)
    )
    note = f"UPDATE ledger_checkpoints SET note = replace(note, '{size}', '{size - 1}') WHERE size = {size}"
    assert all("proves nothing" in one for one in await tampered(signer, note))
    assert await signer.sign() == size + 3


async def tampered_edge(signer: Signer, statement: str) -> list[str]:
    try:
        return await tampered(signer, statement)
    except ValueError as wrong:
        return [str(wrong)]


async def test_a_stored_part_of_the_tree_that_was_changed_is_found(signer: Signer, ada: Actor) -> None:
    await signer.append(ada.owner, 600)
    size = await signer.sign()
    number = size // 256 - 1
    async with signer.stores.superuser() as connection:
        await connection.execute("ALTER TABLE ledger_nodes DISABLE TRIGGER USER")
        change = "UPDATE ledger_nodes SET hash = sha256(hash) WHERE level = 8 AND number = $1 RETURNING hash"
        was = await connection.fetchval("SELECT hash FROM ledger_nodes WHERE level = 8 AND number = $1", number)
        try:
            await connection.fetchval(change, number)
            found = await ledger.verify_chain(signer.stores.pools["gateway"])
        finally:
            await connection.execute("UPDATE ledger_nodes SET hash = $2 WHERE level = 8 AND number = $1", number, was)
            await connection.execute("ALTER TABLE ledger_nodes ENABLE TRIGGER USER")
    assert isinstance(found, Fault)
    assert found.seq == number * 256 + 1
    assert not isinstance(await ledger.verify_chain(signer.stores.pools["gateway"]), Fault)


async def test_an_old_record_that_was_rehashed_to_the_end_is_found_by_the_signed_root(
    signer: Signer, ada: Actor
) -> None:
    """The whole chain fits again, columns too; only what was signed tells."""
    await signer.append(ada.owner, 3)
    size = await signer.sign()
    forged = f"""
        DO $$ DECLARE r record; h bytea;
        BEGIN
            UPDATE audit_logs SET actor = 'eve@localhost',
                   record = convert_to(replace(convert_from(record, 'UTF8'), 'ada@localhost', 'eve@localhost'), 'UTF8')
            WHERE seq = {size};
            SELECT previous_hash INTO h FROM audit_logs WHERE seq = {size};
            FOR r IN SELECT * FROM audit_logs WHERE seq >= {size} ORDER BY seq LOOP
                UPDATE audit_logs SET previous_hash = h, hash = sha256(h || int8send(r.seq) || r.record)
                WHERE seq = r.seq RETURNING hash INTO h;
            END LOOP;
        END $$"""
    said = await tampered(signer, forged)
    assert said == [f"record {size}: up to it the records are not those that were signed"]
