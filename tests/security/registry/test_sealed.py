"""Ciphertexts at rest: only ciphertexts get into sealed columns, and none opens anywhere but in its place."""

# ruff: noqa: S608 -- names come from registry.sealed

from __future__ import annotations

import random
import re
from itertools import product
from typing import Final

import asyncpg
import pytest

from aiox.kernel.ids import HUB_OWNER
from aiox.runtime.keyring import CannotOpen, KeyRing, Place
from registry import tenants
from registry.sealed import SEALED
from tests.integration.registry.records import Record, World, make_world
from tests.stores import Stores

COLUMNS: Final = """
    SELECT c.relname || '.' || a.attname AS name, EXISTS (
               SELECT FROM pg_constraint k WHERE k.conrelid = c.oid AND k.conname = a.attname || '_is_sealed'
                 AND k.convalidated AND pg_get_constraintdef(k.oid) ~ 'is_sealed') AS sealed
    FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
    WHERE c.relnamespace = 'aiox'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
      AND a.atttypid = 'bytea'::regtype"""
NO_TEXTS: Final = re.compile(r"\.(\w*hash(es)?|\w*digest|\w*sha256|root|left_edge|signature|public_key|\w*_id)$")
"""Digests and keys that are public."""
CLEAR: Final = {
    "agent_avatars.image": "shown to everyone who sees the agent",
    "audit_logs.record": "ids and codes only; the chain hashes it",
    "outbox.envelope": "clear until the XMPP server has it (docs/security.md)",
}
PLAIN: Final = (
    b"Be kind, and never say what the customer paid. This is a system prompt.",
    b'{"messages": ["What did I say about the merger?", "Nothing yet."]}',
    b"\x0a\x24" + b"an event as protobuf, long enough to be one",
    b"sk-live-0123456789abcdef0123456789abcdef",
    bytes(64),
    b"\x00\x00\x00\x01 short",
)


@pytest.fixture(scope="module")
async def world(stores: Stores) -> World:
    return await make_world(stores, owners=4, executions=400)


async def columns(stores: Stores) -> dict[str, bool]:
    async with stores.superuser() as connection:
        return {row["name"]: row["sealed"] for row in await connection.fetch(COLUMNS)}


async def test_the_list_of_sealed_columns_is_the_catalogues(stores: Stores) -> None:
    declared = {f"{table.name}.{column}" for table in SEALED for column in table.columns} | {"tenant_keys.wrapped"}
    assert {name for name, sealed in (await columns(stores)).items() if sealed} == declared


async def test_whatever_is_not_sealed_is_clear_for_a_reason(stores: Stores) -> None:
    clear = {name for name, sealed in (await columns(stores)).items() if not sealed and not NO_TEXTS.search(name)}
    assert clear <= set(CLEAR), "seal it (registry/migrations/guard.py), or say here why it may be read"


async def test_the_keeper_may_rotate_each_of_them(stores: Stores) -> None:
    async with stores.superuser() as connection:
        for table, verb in product(SEALED, ("SELECT", "UPDATE")):
            for column in table.columns:
                may = "SELECT has_column_privilege('aiox_keeper', $1, $2, $3)"
                assert await connection.fetchval(may, f"aiox.{table.name}", column, verb), f"{verb} {column}"


@pytest.mark.parametrize("plain", PLAIN)
async def test_plain_text_is_refused(stores: Stores, world: World, plain: bytes) -> None:
    for record in one_per_column(world):
        with pytest.raises(asyncpg.CheckViolationError, match="is_sealed"):
            await put(stores, record, plain)


@pytest.mark.control
@pytest.mark.parametrize("plain", PLAIN)
async def test_without_the_check_it_would_be_stored(stores: Stores, world: World, plain: bytes) -> None:
    for record in one_per_column(world):
        await put(stores, record, plain, drop=True)


async def put(stores: Stores, record: Record, value: bytes, *, drop: bool = False) -> None:
    """Overwrites a sealed value as the superuser, and takes that back."""
    table, column = record.table, record.column
    async with stores.superuser() as connection:
        transaction = connection.transaction()
        await transaction.start()
        try:
            if drop:
                await connection.execute(f"ALTER TABLE {table.name} DROP CONSTRAINT {column}_is_sealed")
            done = await connection.execute(
                f"UPDATE {table.name} SET {column} = $1 WHERE {table.record} = $2", value, record.record
            )
            assert done == "UPDATE 1"
        finally:
            await transaction.rollback()


def one_per_column(world: World) -> list[Record]:
    """A record of each sealed column."""
    found = {(record.table.name, record.column): record for record in world.records}
    assert len(found) == sum(len(table.columns) for table in SEALED)
    return list(found.values())


async def rings_of(world: World) -> dict[object, KeyRing]:
    gateway = world.stores.pools["gateway"]
    rings: dict[object, KeyRing] = {
        owner: await tenants.load_ring(gateway, world.stores.keys, owner) for owner in world.owners
    }
    return rings | {HUB_OWNER: world.stores.keys}


def moves(world: World, count: int, seed: int) -> list[tuple[Record, Record]]:
    """Pairs of places: to another owner, table, column and record, in all combinations that occur."""
    chance = random.Random(seed)
    found: list[tuple[Record, Record]] = []
    while len(found) < count:
        source, target = chance.choice(world.records), chance.choice(world.records)
        if source.place != target.place:
            found.append((source, target))
    return found


async def test_ten_thousand_moved_ciphertexts_do_not_open(world: World) -> None:
    rings = await rings_of(world)
    sealed = {record.place: rings[record.owner].seal(record.text, record.place) for record in world.records}
    kinds = set()
    for source, target in moves(world, 10_000, seed=3):
        with pytest.raises(CannotOpen):
            rings[target.owner].open(sealed[source.place], target.place)
        kinds.add((source.owner == target.owner, source.table == target.table, source.column == target.column))
    assert len(kinds) >= 6


@pytest.mark.control
async def test_not_bound_to_their_places_they_would(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Place, "additional_data", lambda _: b"")
    ring = KeyRing({1: bytes(range(32))}, 1)
    sealed = {record.record: ring.seal(record.text, record.place) for record in world.records}
    for source, target in moves(world, 1000, seed=3):
        assert ring.open(sealed[source.record], target.place)


async def test_moved_in_the_database_they_are_not_read(stores: Stores, world: World) -> None:
    one, other = [record for record in world.records if record.column == "input"][:2]
    output = next(record for record in world.records if record.column == "output" and record.record == one.record)
    foreign = next(
        record for record in world.records if record.column == "input" and record.owner not in (one.owner, HUB_OWNER)
    )
    for source in (other, output, foreign):
        async with stores.superuser() as connection:
            before = await connection.fetchval("SELECT input FROM executions WHERE id = $1", one.record)
            await connection.execute(
                f"UPDATE executions SET input = (SELECT {source.column} FROM executions WHERE id = $1) WHERE id = $2",
                source.record,
                one.record,
            )
            with pytest.raises(CannotOpen):
                await world.read(one)
            await connection.execute("UPDATE executions SET input = $1 WHERE id = $2", before, one.record)
    assert await world.read(one) == one.text
