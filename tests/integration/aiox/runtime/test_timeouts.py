"""A statement that takes too long is counted, whoever gave it up; one that is wrong is not."""

from __future__ import annotations

from collections.abc import AsyncIterator

import asyncpg
import pytest
from prometheus_client import REGISTRY

from aiox.runtime import postgres as stores
from aiox.runtime.postgres import Pool
from tests.stack import Place


@pytest.fixture
async def pool(postgres: Place) -> AsyncIterator[Pool]:
    made = await stores.connect(postgres.settings, postgres.home.secrets("gateway"), "gateway")
    yield made
    await made.close()


def counted() -> float:
    return REGISTRY.get_sample_value("aiox_database_timeouts_total") or 0.0


async def test_what_the_database_gives_up_is_counted(pool: Pool) -> None:
    before = counted()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = '10ms'")
        with pytest.raises(asyncpg.QueryCanceledError):
            await connection.fetchval("SELECT pg_sleep(10)")
    assert counted() == before + 1


@pytest.mark.parametrize("way", ["execute", "fetch", "fetchrow", "fetchval"])
async def test_what_we_give_up_is_counted(pool: Pool, way: str) -> None:
    before = counted()
    with pytest.raises(TimeoutError):
        await getattr(pool, way)("SELECT pg_sleep(10)", timeout=0.01)
    assert counted() == before + 1


async def test_many_at_once_are_one_statement(pool: Pool) -> None:
    before = counted()
    with pytest.raises(TimeoutError):
        await pool.executemany("SELECT pg_sleep($1)", [(10,), (10,)], timeout=0.01)
    assert counted() == before + 1


async def test_a_statement_that_is_wrong_is_not_slow(pool: Pool) -> None:
    before = counted()
    with pytest.raises(asyncpg.UndefinedTableError):
        await pool.fetch("SELECT * FROM no_such_table")
    assert await pool.fetchval("SELECT 7") == 7
    assert counted() == before
