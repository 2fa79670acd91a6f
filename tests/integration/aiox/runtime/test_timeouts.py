"""A statement that the database gave up is counted where its end is judged; one that is wrong is not."""

from __future__ import annotations

import asyncpg
import pytest
from prometheus_client import REGISTRY

from aiox.runtime import postgres as stores
from tests.stack import Place


def counted() -> float:
    return REGISTRY.get_sample_value("aiox_database_timeouts_total") or 0.0


async def test_what_the_database_gives_up_is_counted(postgres: Place) -> None:
    pool = await stores.connect(postgres.settings, postgres.home.secrets("gateway"), "gateway")
    before = counted()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = '10ms'")
        with pytest.raises(asyncpg.QueryCanceledError) as slow:
            await connection.fetchval("SELECT pg_sleep(10)")
    await pool.close()
    assert not stores.is_away(slow.value)
    assert counted() == before + 1


def test_a_statement_that_is_wrong_is_not_slow() -> None:
    before = counted()
    assert not stores.is_too_slow(asyncpg.UndefinedTableError("no such table"))
    assert counted() == before
