"""Pooled connections never carry an owner over: transactions of 50 owners, broken off at random moments."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Final
from uuid import UUID

import asyncpg
import pytest

from aiox.runtime.postgres import Connection, Pool, owner_scope
from setup.prove import note
from tests.stores import Stores

OWNERS: Final = 50
AT_ONCE: Final = 16
Scope = Callable[[Pool, UUID], AbstractAsyncContextManager[Connection]]


class Traffic:
    """Reads tables without a filter, as owners and as nobody, and counts what was seen of others."""

    def __init__(self, pool: Pool, owners: list[UUID], scope: Scope, seed: int) -> None:
        self._pool = pool
        self._owners = owners
        self._scope = scope
        self._chance = random.Random(seed)
        self.leaks = 0
        self.whole = 0
        self.broken = 0

    async def run(self, transactions: int) -> None:
        """At most AT_ONCE at a time, on a pool of four connections."""
        free = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with free:
                task = asyncio.create_task(self._bare() if self._chance.random() < 0.2 else self._owned())
                if self._chance.random() < 0.5:
                    asyncio.get_running_loop().call_later(self._chance.random() * 0.02, task.cancel)
                try:
                    await task
                    self.whole += 1
                except asyncio.CancelledError:
                    self.broken += 1
                except ZeroDivisionError:
                    self.broken += 1

        await asyncio.gather(*(one() for _ in range(transactions)))

    async def _owned(self) -> None:
        owner = self._chance.choice(self._owners)
        async with self._scope(self._pool, owner) as connection:
            for _ in range(self._chance.randint(1, 3)):
                rows = await connection.fetch("SELECT owner_user_id FROM tenant_keys")
                self.leaks += sum(row["owner_user_id"] != owner for row in rows)
                assert any(row["owner_user_id"] == owner for row in rows)
            if self._chance.random() < 0.2:
                raise ZeroDivisionError

    async def _bare(self) -> None:
        async with self._pool.acquire() as connection:
            self.leaks += len(await connection.fetch("SELECT owner_user_id FROM tenant_keys"))


@asynccontextmanager
async def session_scope(pool: Pool, owner: UUID) -> AsyncIterator[Connection]:
    """What owner_scope must not be: the owner is set for the session, not for the transaction."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT set_config('aiox.owner', $1, false)", str(owner))
        yield connection


@pytest.fixture(scope="module")
async def owners(stores: Stores) -> list[UUID]:
    return [(await stores.account()).owner for _ in range(OWNERS)]


async def carried_over(stores: Stores, owners: list[UUID], transactions: int, seed: int) -> Traffic:
    traffic = Traffic(stores.pools["gateway"], owners, owner_scope, seed)
    await traffic.run(transactions)
    assert traffic.whole + traffic.broken == transactions
    assert min(traffic.whole, traffic.broken) > transactions / 10
    return traffic


async def test_nothing_is_carried_over(stores: Stores, owners: list[UUID]) -> None:
    assert (await carried_over(stores, owners, 1000, seed=4)).leaks == 0


@pytest.mark.prove
async def test_nothing_is_carried_over_in_twenty_thousand(stores: Stores, owners: list[UUID]) -> None:
    seed = random.randrange(2**32)
    traffic = await carried_over(stores, owners, 20_000, seed)
    note(f"pool seed {seed}: {traffic.whole} whole, {traffic.broken} broken off, {traffic.leaks} leaks")
    assert traffic.leaks == 0


@pytest.mark.control
async def test_an_owner_of_the_session_would_be(stores: Stores, owners: list[UUID]) -> None:
    async def keep(_: object) -> None:
        """A pool that does not reset what comes back."""

    pool = await asyncpg.create_pool(
        host="127.0.0.1",
        port=stores.settings.ports.postgres,
        user="aiox_gateway",
        password=stores.home.secrets("gateway").read("postgres"),
        database="aiox",
        min_size=1,
        max_size=4,
        reset=keep,
        server_settings={"search_path": "aiox"},
    )
    try:
        traffic = Traffic(pool, owners, session_scope, seed=4)
        await traffic.run(300)
    finally:
        await pool.close()
    assert traffic.leaks > 0
