"""SQLite by credential: the escapes of PostgreSQL and more of its own; no write, no foreign row, no file of another."""

# ruff: noqa: E501, S608 -- one attack after the other

from __future__ import annotations

import json
import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from uuid import UUID, uuid4

import pytest

from ai_worker.sandbox.bubblewrap import Bubblewrap
from ai_worker.sandbox.inside import sqlite_reader
from ai_worker.tools.kit.database_query import DatabaseQuery
from ai_worker.tools.port import Given, Means, ToolFailed
from ai_worker.tools.sql import SqlRefused, checked
from aiox.kernel.tools import Terms
from aiox.runtime.clock import SystemClock
from aiox.runtime.egress.reach import Reach
from aiox.runtime.egress.transport import Egress
from tests.security.ai_worker.tools.sql_escapes import escapes

WORD = "canary-4711"
FILE = "sqlite:shop.db"
OWN = (
    "ATTACH DATABASE 'other.db' AS x", "ATTACH 'file:/etc/passwd?mode=ro' AS x", "DETACH main", "PRAGMA writable_schema = 1",
    "PRAGMA table_info(secrets)", "PRAGMA database_list", "PRAGMA query_only = 0", "VACUUM INTO '/tmp/aiox-escape'", "VACUUM",
    "REINDEX", "ANALYZE", "SELECT load_extension('/tmp/x.so')", "SELECT readfile('/etc/passwd')", "SELECT writefile('x', 'y')",
    "SELECT * FROM sqlite_master", "SELECT * FROM sqlite_schema", "SELECT * FROM sqlite_temp_master", "SELECT sql FROM main.sqlite_master",
    "SELECT * FROM pragma_table_info('secrets')", "SELECT * FROM pragma_database_list", "SELECT * FROM json_each('[1]')",
    "SELECT * FROM json_tree('{}')", "SELECT json_extract('{}', '$')", "SELECT * FROM generate_series(1, 9)", "SELECT sqlite_version()",
    "SELECT randomblob(1000000000)", "SELECT zeroblob(1000000000)", "SELECT hex(zeroblob(500000000))", "SELECT printf('%.*c', 900000000, 'x')",
    "SELECT sqlite_source_id()", "SELECT changes()", "SELECT last_insert_rowid()", "SELECT fts3_tokenizer('x')", "SELECT edit('x')",
    "SELECT * FROM \"secrets\"", "SELECT * FROM [secrets]", "SELECT * FROM `secrets`", "SELECT * FROM 'secrets'", "SELECT * FROM main.secrets",
    "SELECT * FROM temp.secrets", "SELECT * FROM secrets INDEXED BY x", "SELECT * FROM secrets NOT INDEXED", "SELECT rowid, * FROM secrets",
    "SELECT (SELECT word FROM secrets) AS item FROM orders", "SELECT * FROM orders UNION ALL SELECT * FROM secrets", "SELECT * FROM view_of_secrets",
    "CREATE TEMP TABLE x AS SELECT * FROM secrets", "CREATE TRIGGER x AFTER INSERT ON orders BEGIN SELECT 1; END", "CREATE VIRTUAL TABLE x USING fts5(a)",
    "REPLACE INTO orders VALUES (1, 'x')", "INSERT OR REPLACE INTO orders VALUES (1, 'x')", "UPDATE OR IGNORE orders SET item = 'x'",
    "BEGIN IMMEDIATE", "BEGIN EXCLUSIVE", "SAVEPOINT x", "RELEASE x", "EXPLAIN QUERY PLAN SELECT * FROM secrets", "EXPLAIN SELECT 1",
    "SELECT 1; ATTACH 'x' AS y", "SELECT 1;;DELETE FROM orders", "SELECT * FROM orders WHERE item MATCH 'x'", "SELECT * FROM orders WHERE item GLOB (SELECT word FROM secrets)",
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n", "VALUES (1), (2)", "SELECT * FROM (VALUES (1))",
    "DELETE FROM orders RETURNING *", "DELETE FROM orders LIMIT 1", "DROP TABLE IF EXISTS orders", "ALTER TABLE orders RENAME TO x",
)  # fmt: skip


@dataclass(frozen=True)
class World:
    """An owner with a database, and the tool."""

    folder: Path
    owner: UUID
    tool: DatabaseQuery

    @property
    def file(self) -> Path:
        return self.folder / str(self.owner) / "shop.db"

    async def ask(self, sql: str, *tables: str, secret: str = FILE, owner: UUID | None = None) -> str:
        given = Given(Terms(allowed_tables=tables), secret=secret, owner=owner or self.owner)
        return await self.tool.run({"sql": sql}, given)

    def digest(self) -> str:
        return sha256(self.file.read_bytes()).hexdigest()


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    folder, owner = tmp_path_factory.mktemp("sqlite"), uuid4()
    (folder / str(owner)).mkdir()
    reach = Reach()
    means = Means(Bubblewrap(SystemClock()), Egress(reach), reach, folder)
    made = World(folder, owner, DatabaseQuery(means))
    with closing(sqlite3.connect(made.file)) as connection:
        connection.executescript(
            "CREATE TABLE orders (id INTEGER PRIMARY KEY, item TEXT, total REAL DEFAULT 1.5, data BLOB DEFAULT x'00ff');"
            "CREATE TABLE secrets (id INTEGER, word TEXT);"
            f"INSERT INTO secrets VALUES (1, '{WORD}'); CREATE VIEW view_of_secrets AS SELECT * FROM secrets;"
        )
        connection.executemany("INSERT INTO orders (item) VALUES (?)", [(f"item {n}",) for n in range(1500)])
        connection.commit()
    return made


@pytest.fixture
def inside(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the reader runs, without a sandbox around it: its own guards are asked."""
    copy = tmp_path / "data.db"
    copy.write_bytes(world.file.read_bytes())
    monkeypatch.chdir(tmp_path)
    return copy


def read(sql: str, *tables: str) -> str:
    return sqlite_reader.read(json.dumps({"sql": sql, "tables": tables, "rows": 1000}).encode()).decode()


def test_there_are_three_hundred_and_more() -> None:
    assert len({*escapes(), *OWN}) >= 360


def test_what_passes_the_first_lock_is_written_anew_and_harmless(inside: Path) -> None:
    """A few mean something else to SQLite: names where PostgreSQL has words of its own."""
    before, passed = inside.read_bytes(), 0
    for sql in (*escapes(), *OWN):
        with suppress(SqlRefused):
            again = checked(sql, ("orders",), 1000, "sqlite")
            passed += 1
            assert WORD not in read(again, "orders"), sql
            assert "secrets" not in again
    assert passed < 8
    assert inside.read_bytes() == before


def test_none_passes_the_second(inside: Path) -> None:
    """Run as they stand, past the first lock: the database itself authorises nothing but reading what is listed."""
    before = inside.read_bytes()
    for sql in (*escapes(), *OWN):
        if "1+" in sql or "WITH RECURSIVE" in sql:
            continue  # only its time ends that one: see below
        assert WORD not in read(sql, "orders"), sql
    assert inside.read_bytes() == before
    assert list(inside.parent.iterdir()) == [inside]


@pytest.mark.control
def test_without_the_locks_many_do(inside: Path) -> None:
    leaked = 0
    for sql in (*escapes(), *OWN):
        if "SELECT" not in sql or "RECURSIVE" in sql or "blob" in sql or "printf" in sql:
            continue
        with closing(sqlite3.connect(inside)) as connection, suppress(sqlite3.Error, sqlite3.Warning, ValueError):
            leaked += WORD in str(connection.execute(sql).fetchmany(10))
    assert leaked > 10
    with closing(sqlite3.connect(inside)) as connection:
        connection.execute("DELETE FROM orders")
        connection.commit()
        assert connection.execute("SELECT count(*) FROM orders").fetchone() == (0,)


async def test_what_a_person_would_ask_is_answered_and_the_file_stays_as_it_was(world: World) -> None:
    before = world.digest()
    answer = json.loads(
        await world.ask(
            "SELECT id, item, total, data FROM orders WHERE item LIKE 'item 7%' ORDER BY id LIMIT 1", "orders"
        )
    )
    assert answer == {
        "columns": ["id", "item", "total", "data"],
        "rows": [[8, "item 7", "1.5", "(2 bytes)"]],
        "whole": True,
    }
    counted = json.loads(await world.ask("SELECT count(*), upper(max(item)) FROM Orders", "orders"))
    assert counted["rows"] == [[1500, "ITEM 999"]]
    many = json.loads(await world.ask("SELECT id FROM orders ORDER BY id", "orders"))
    assert len(many["rows"]) == 1000
    assert world.digest() == before


async def test_a_query_that_takes_too_long_is_ended(world: World) -> None:
    slow = "SELECT count(*) FROM orders a, orders b, orders c WHERE a.item || b.item = c.item || 'x'"
    with pytest.raises(ToolFailed, match="longer than"):
        await world.ask(slow, "orders")


@pytest.mark.parametrize(
    "secret",
    ["sqlite:", "sqlite:other.db", "sqlite:../shop.db", "sqlite:/etc/passwd", "sqlite:.", "sqlite:shop.db\n", "sqlite:link.db",
     "sqlite:folder", "sqlite:a/b", "sqlite:shop.db?mode=rw"],
)  # fmt: skip
async def test_no_other_file_is_read(world: World, secret: str) -> None:
    link = world.file.with_name("link.db")
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")
        world.file.with_name("folder").mkdir()
    with pytest.raises(ToolFailed):
        await world.ask("SELECT id FROM orders", "orders", secret=secret)


async def test_another_owners_file_is_not_read(world: World) -> None:
    with pytest.raises(ToolFailed, match="names no SQLite file"):
        await world.ask("SELECT id FROM orders", "orders", owner=uuid4())


async def test_a_file_that_is_no_database_is_refused_in_a_sentence(world: World) -> None:
    world.file.with_name("noise.db").write_bytes(b"SQLite format 3\0" + os.urandom(5000))
    with pytest.raises(ToolFailed, match=r"refuses it|could not be read"):
        await world.ask("SELECT id FROM orders", "orders", secret="sqlite:noise.db")
