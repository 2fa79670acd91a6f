"""The database ends what takes too long and who stands still; both are judged where they end."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from uuid import uuid4

import asyncpg
import pytest
from prometheus_client import REGISTRY

from aiox.kernel.ids import HUB_OWNER
from aiox.runtime import postgres as stores
from aiox.runtime.postgres import Pool
from policy.ledger import Record
from registry import ledger
from tests.stack import Place


@pytest.fixture
async def pool(postgres: Place) -> AsyncIterator[Pool]:
    opened = await stores.connect(postgres.settings, postgres.home.secrets("orchestrator"), "orchestrator")
    yield opened
    await opened.close()


def counted() -> float:
    return REGISTRY.get_sample_value("aiox_database_timeouts_total") or 0.0


async def test_what_the_database_gives_up_is_counted(pool: Pool) -> None:
    before = counted()
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL statement_timeout = '10ms'")
        with pytest.raises(asyncpg.QueryCanceledError) as slow:
            await connection.fetchval("SELECT pg_sleep(10)")
    assert not stores.is_away(slow.value)
    assert counted() == before + 1


def test_a_statement_that_is_wrong_is_not_slow() -> None:
    before = counted()
    assert not stores.is_too_slow(asyncpg.UndefinedTableError("no such table"))
    assert counted() == before


def a_record() -> list[Record]:
    return [Record(uuid4(), HUB_OWNER, "turn.concluded", "info", {}, datetime.now(UTC), "")]


async def test_who_stands_still_within_a_transaction_keeps_the_ledger_from_nobody(pool: Pool) -> None:
    """A frozen process sends nothing, as this one; what it then hears is that it has to try again."""
    async with pool.acquire() as still:
        transaction = still.transaction()
        await transaction.start()
        await ledger.append(still, a_record())
        await ledger.append(pool, a_record())
        with pytest.raises(stores.StoreTrouble) as heard:
            await transaction.commit()
    assert stores.is_away(heard.value)


@pytest.mark.control
async def test_control_without_the_limit_it_does(pool: Pool) -> None:
    async with pool.acquire() as still, still.transaction():
        await still.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        await ledger.append(still, a_record())
        with pytest.raises(asyncpg.QueryCanceledError):
            await ledger.append(pool, a_record())
