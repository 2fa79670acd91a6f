"""Three hundred SQL escapes against a real PostgreSQL, with its superuser's credential: no write, no foreign row."""
# ruff: noqa: E501, S608

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import quote

import asyncpg
import pytest

from ai_worker.tools.kit.database_query import DatabaseQuery, database_of
from ai_worker.tools.port import Given, Means, ToolFailed
from aiox.kernel.tools import Terms
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress
from aiox.runtime.egress.urls import Blocked
from tests.security.ai_worker.tools.sql_escapes import PLACES, SECRETS, TWO, escapes
from tests.stack import Place
from tests.unit.ai_worker.tools.means import MEANS

CANARY = "canary-4711"
SCHEMA = f"""
CREATE TABLE orders (id serial PRIMARY KEY, item text, total numeric(10, 2) DEFAULT 1.5, placed date DEFAULT '2026-01-02');
INSERT INTO orders (item) SELECT 'item ' || n FROM generate_series(1, 1500) n;
CREATE TABLE secrets (id int DEFAULT 1, word text DEFAULT '{CANARY}', item text DEFAULT 'item 1');
INSERT INTO secrets DEFAULT VALUES;
CREATE SCHEMA vault;
CREATE TABLE vault.secrets AS SELECT * FROM secrets;
CREATE VIEW orders_secret_view AS SELECT * FROM secrets;
CREATE FUNCTION leak() RETURNS text LANGUAGE sql AS 'SELECT word FROM secrets LIMIT 1';
CREATE FUNCTION writes() RETURNS int LANGUAGE sql AS 'INSERT INTO secrets DEFAULT VALUES; SELECT 1';
"""
STATE = """
SELECT md5(string_agg(t::text, ',')) FROM (
    SELECT 'o', orders::text FROM orders UNION ALL SELECT 's', secrets::text FROM secrets
    UNION ALL SELECT 'r', rolname::text FROM pg_roles
    UNION ALL SELECT 'c', relname::text || relacl::text FROM pg_class WHERE relnamespace > 16383 OR relnamespace = 2200
    ORDER BY 1, 2
) t"""


@dataclass(frozen=True)
class Database:
    """A database of somebody's own."""

    place: Place
    name: str

    async def connect(self) -> asyncpg.Connection[asyncpg.Record]:
        return await superuser(self.place, self.name)

    async def state(self) -> str:
        connection = await self.connect()
        try:
            return str(await connection.fetchval(STATE))
        finally:
            await connection.close()

    async def ask(self, sql: str, *tables: str) -> str:
        port = self.place.settings.ports.postgres
        reach = Reach((f"127.0.0.1:{port}",))
        password = quote(self.place.home.secrets("stack").read("postgres"), safe="")
        secret = f"postgresql://postgres:{password}@127.0.0.1:{port}/{self.name}?sslmode=disable"
        given = Given(Terms(allowed_tables=tables), secret=secret)
        return await DatabaseQuery(Means(MEANS.sandbox, Egress(reach), reach)).run({"sql": sql}, given)


async def superuser(place: Place, name: str) -> asyncpg.Connection[asyncpg.Record]:
    return await asyncpg.connect(
        host="127.0.0.1",
        port=place.settings.ports.postgres,
        user="postgres",
        password=place.home.secrets("stack").read("postgres"),
        database=name,
    )


@pytest.fixture(params=["aiox_test"])
async def database(postgres: Place, request: pytest.FixtureRequest) -> AsyncIterator[Database]:
    connection = await superuser(postgres, "postgres")
    try:
        await connection.execute(f"CREATE DATABASE {request.param}")
        made = Database(postgres, request.param)
        own = await made.connect()
        await own.execute(SCHEMA)
        await own.close()
        yield made
        await connection.execute(f"DROP DATABASE {request.param} WITH (FORCE)")
    finally:
        await connection.close()


def test_there_are_three_hundred() -> None:
    assert len(set(escapes())) >= 300


async def test_none_writes_or_reads_what_is_not_listed(database: Database) -> None:
    before, ran = await database.state(), []
    for sql in escapes():
        try:
            answer = await database.ask(sql, "orders")
        except ToolFailed as refused:
            answer = str(refused)
        else:
            ran.append(sql)
        assert CANARY not in answer, sql
        assert "postgres" not in answer, sql
    assert await database.state() == before
    assert ran == []


@pytest.mark.control
async def test_asked_as_they_stand_many_do(database: Database) -> None:
    before, leaked, wrote = await database.state(), 0, 0
    connection = await database.connect()
    await connection.execute("SET statement_timeout = 2000")
    for sql in [place.format(secret) for secret in SECRETS[:4] for place in PLACES]:
        try:
            leaked += CANARY in str([tuple(row.values()) for row in await connection.fetch(sql)])
        except (asyncpg.PostgresError, ValueError, asyncpg.InterfaceError):
            continue
    for sql in reversed(TWO[:16]):
        with suppress(asyncpg.PostgresError, AttributeError):  # asyncpg falls over an empty statement, once it is done
            await connection.execute(sql)
        try:
            wrote += await database.state() != before
        except asyncpg.UndefinedTableError:
            wrote += 1  # the first of them drops it
    await connection.close()
    assert leaked > 10
    assert wrote > 3


@pytest.mark.parametrize(
    ("sql", "first"),
    [
        ("SELECT id, item FROM orders WHERE item ILIKE '%item 7%' ORDER BY id LIMIT 3", [7, "item 7"]),
        ("select count(*) from public.orders o", [1500]),
        ("SELECT placed, sum(total) AS s FROM orders GROUP BY 1 HAVING sum(total) > 1", ["2026-01-02", "2250.00"]),
        ("SELECT o.id, p.item FROM orders o JOIN orders p ON p.id = o.id + 1 ORDER BY o.id", [1, "item 2"]),
        ("SELECT date_trunc('month', placed), upper(item) FROM orders WHERE id IN (SELECT min(id) FROM orders)", None),
        ("SELECT CASE WHEN total > 1 THEN 'much' ELSE 'little' END, total::int FROM orders ORDER BY id", ["much", 2]),
        ("SELECT string_agg(item, ', ') FROM orders WHERE id < 3", ["item 1, item 2"]),
        ("SELECT id, row_number() OVER (ORDER BY id DESC) FROM orders ORDER BY id DESC", [1500, 1]),
        ("SELECT 1 UNION ALL SELECT id FROM orders WHERE id = 5", [1]),
        ("SELECT coalesce(null, item) FROM orders WHERE placed > DATE '2025-12-31' - INTERVAL '1 day' ORDER BY id", ["item 1"]),
    ],
)  # fmt: skip
async def test_what_a_person_would_ask_is_answered(database: Database, sql: str, first: list[object] | None) -> None:
    answer = json.loads(await database.ask(sql, "orders", "public.orders"))
    assert answer["columns"]
    if first is not None:
        assert answer["rows"][0] == first


async def test_a_thousand_rows_and_so_many_bytes_at_most(database: Database) -> None:
    answer = json.loads(await database.ask("SELECT id FROM orders ORDER BY id", "orders"))
    assert len(answer["rows"]) == 1000
    long = json.loads(await database.ask("SELECT repeat, item FROM orders, (SELECT 1 AS repeat) x", "orders"))
    assert long["whole"]


async def test_a_query_that_takes_too_long_is_ended(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ai_worker.tools.kit.database_query._STATEMENT_S", 0.5)
    slow = "SELECT count(*) FROM orders a, orders b, orders c, orders d WHERE a.item || b.item = c.item || d.item"
    with pytest.raises(ToolFailed, match="longer than"):
        await database.ask(slow, "orders")


async def test_without_a_list_nothing_is_read(database: Database) -> None:
    with pytest.raises(ToolFailed, match="may not be read"):
        await database.ask("SELECT * FROM orders")


async def test_a_database_inside_the_hubs_network_is_not_reached(database: Database) -> None:
    port = database.place.settings.ports.postgres
    given = Given(Terms(allowed_tables=("orders",)), secret=f"postgresql://a:b@127.0.0.1:{port}/aiox?sslmode=disable")
    with pytest.raises(Blocked):
        await DatabaseQuery(MEANS).run({"sql": "SELECT * FROM orders"}, given)


@pytest.mark.parametrize(
    "secret", ["", "x", "mysql://a:b@h/d", "postgresql://h/d", "postgresql://a:b@h", "postgresql://a:b@h:x/d"]
)
def test_a_credential_that_is_none(secret: str) -> None:
    with pytest.raises(ToolFailed, match="form"):
        database_of(secret)
