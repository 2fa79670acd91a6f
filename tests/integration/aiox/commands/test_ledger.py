"""Sealing and keys on the real database: nothing goes silently, and the overlap of keys is kept."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import asyncpg
import pytest

from aiox.cli.ledger_files import check, keep
from aiox.commands import ledger_keys, ledger_seal, ledger_verify
from aiox.commands.hub import Actor
from aiox.commands.ledger_seal import Kept, Sealed
from aiox.kernel.errors import ErrorCode
from aiox.kernel.ids import HUB_OWNER
from aiox.kernel.jid import BareJid
from aiox.kernel.outcome import Refused
from aiox.runtime.postgres import Pool, connect_keeper
from aiox.runtime.settings import Service
from policy.audit import verify_export
from policy.findings import Known, Verified
from policy.growth import TILE
from policy.ledger import Fault
from registry import checkpoints, ledger_export
from registry.checkpoints import NewSegment, Segment
from registry.ledger_tree import LedgerTree
from tests.ledger_signer import Signer
from tests.stores import NOW, SERVICES, Stores

OPERATOR = Actor(HUB_OWNER, BareJid("operator@localhost"))


@pytest.fixture
async def signer(stores: Stores) -> Signer:
    return await Signer.of(stores)


@pytest.fixture
async def keeper(stores: Stores) -> AsyncIterator[Pool]:
    pool = await connect_keeper(stores.settings, stores.home.secrets("stack"))
    yield pool
    await pool.close()


async def test_old_records_go_into_a_file_that_proves_itself_and_the_rest_goes_on(
    stores: Stores, signer: Signer, keeper: Pool, tmp_path: Path
) -> None:
    ada = await stores.account()
    await signer.append(ada.owner, 2 * TILE + 10)
    old = await signer.sign()
    boundary = signer.clock.at + timedelta(seconds=1)
    await signer.append(ada.owner, TILE)
    await signer.sign()
    begin = await checkpoints.last_segment(signer.pool)
    remove = partial(checkpoints.seal, keeper)
    done = await ledger_seal.run(stores.hub, OPERATOR, boundary, partial(keep, tmp_path), remove)
    assert isinstance(done, Sealed), done
    assert (done.first, done.last) == (begin.last_seq + 1, old // TILE * TILE)
    told = check(Path(done.file), str(signer.key()), None)
    assert f"{old - begin.last_seq} records, up to number {old}" in told
    left = await stores.pools["gateway"].fetchval("SELECT min(seq) FROM ledger_records(0, 10)")
    assert left == done.last + 1
    assert not isinstance(await ledger_verify.run(stores.hub, OPERATOR), Fault | Refused)
    size = await signer.sign()
    lines = [line async for line in ledger_export.export_whole(stores.pools["gateway"])]
    found = verify_export(lines, Known((signer.key(),)))
    assert isinstance(found, Verified), found
    assert (found.records, found.to) == (size - done.last, size)
    own = [line async for line in ledger_export.export_own(stores.pools["gateway"], ada.owner)]
    assert isinstance(verify_export(own, Known((signer.key(),))), Verified)
    assert await LedgerTree(stores.pools["gateway"], size).inclusion([done.last, size - 1])
    sealed = [line for line in lines if b'"ledger.sealed"' in line]
    assert len(sealed) == 1
    assert f'"last":{done.last}'.encode() in sealed[0]
    again = await ledger_seal.run(stores.hub, OPERATOR, boundary, partial(keep, tmp_path), remove)
    assert isinstance(again, Refused)
    assert again.code is ErrorCode.CONFLICT


async def test_a_file_that_does_not_hold_seals_nothing(stores: Stores, signer: Signer, keeper: Pool) -> None:
    ada = await stores.account()
    await signer.append(ada.owner, TILE + 1)
    await signer.sign()

    async def broken(first: int, last: int, lines: AsyncIterator[bytes]) -> Kept:
        raise OSError("disk full")

    begin = await checkpoints.last_segment(signer.pool)
    later = signer.clock.at + timedelta(days=1)
    with pytest.raises(OSError, match="disk full"):
        await ledger_seal.run(stores.hub, OPERATOR, later, broken, partial(checkpoints.seal, keeper))
    assert await checkpoints.last_segment(signer.pool) == begin


async def test_an_end_that_nobody_signed_is_refused_by_the_database(
    stores: Stores, signer: Signer, keeper: Pool
) -> None:
    ada = await stores.account()
    await signer.append(ada.owner, 2 * TILE)
    size = await signer.sign()
    await signer.append(ada.owner, 2 * TILE)
    end = (size // TILE + 1) * TILE
    newest = await checkpoints.newest(signer.pool)
    assert newest is not None
    record = ledger_seal._record(
        stores.hub, OPERATOR, 1, newest, NewSegment(Segment(end, bytes(32)), size, bytes(32), 1)
    )
    for segment in (
        NewSegment(Segment(end, await ledger_seal._hash_at(stores.hub, end)), size, bytes(32), 1),
        NewSegment(Segment(size // TILE * TILE, bytes(32)), size, bytes(32), 1),
    ):
        with pytest.raises(asyncpg.ObjectNotInPrerequisiteStateError, match="nobody has signed it"):
            await checkpoints.seal(keeper, segment, stores.hub.clock.now(), record)


@pytest.mark.parametrize("service", SERVICES)
async def test_no_service_may_seal_or_delete(stores: Stores, service: Service) -> None:
    pool = stores.pools[service]
    for statement in (
        "SELECT ledger_seal(0, ''::bytea, 0, ''::bytea, 0, now(), ''::bytea)",
        "DELETE FROM audit_logs",
        "DELETE FROM ledger_checkpoints",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await pool.execute(statement)


async def test_an_owner_can_do_none_of_what_is_the_operators(stores: Stores) -> None:
    ada = await stores.account()

    async def never(*_: object) -> None:
        raise AssertionError("past the gate")

    answers = [
        await ledger_verify.run(stores.hub, ada),
        await ledger_keys.rotate(stores.hub, ada, {1: bytes(32)}, lambda: bytes(32)),
        await ledger_keys.retire(stores.hub, ada, {1: bytes(32)}),
        await ledger_seal.run(stores.hub, ada, NOW, never, never),  # type: ignore[arg-type]
    ]
    assert all(isinstance(one, Refused) and one.code is ErrorCode.ACCESS_DENIED for one in answers), answers


async def test_the_old_key_leaves_when_both_have_signed(stores: Stores, signer: Signer) -> None:
    ada = await stores.account()
    await signer.append(ada.owner, 1)
    await signer.sign()
    before = signer.seeds
    alone = await ledger_keys.retire(stores.hub, OPERATOR, before)
    assert isinstance(alone, Refused)
    both = await ledger_keys.rotate(stores.hub, OPERATOR, before, lambda: os.urandom(32))
    assert not isinstance(both, Refused)
    number = max(both)
    assert list(both) == [number, *before]
    early = await ledger_keys.retire(stores.hub, OPERATOR, both)
    assert isinstance(early, Refused)
    assert "not signed a checkpoint beside the old one yet" in early.reason
    signer.seeds = dict(both)
    await signer.sign()
    assert await ledger_keys.retire(stores.hub, OPERATOR, both) == {number: both[number]}
